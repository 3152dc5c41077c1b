// One client of a UDP listener and the backend that its datagrams go to.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

#include "base/intrusive_list.h"
#include "net/reactor.h"
#include "net/udp_socket.h"
#include "worker/backend_tries.h"

namespace weir::relay {

class UdpEntrance;
class UdpRelay;

// The client of a flow and our address that it speaks to. Without padding: hashed and compared as bytes.
struct UdpFlowKey {
  net::PeerAddress client;
  net::LocalAddress local;
};
static_assert(sizeof(UdpFlowKey) == 48);

// The datagram that a flow began with, kept until the backend has been heard, so that another one can be given it.
class FirstDatagram {
 public:
  static constexpr std::size_t kMaxBytes = 2048;  // a longer one is not kept
  FirstDatagram() = default;
  FirstDatagram(const FirstDatagram&) = delete;
  FirstDatagram& operator=(const FirstDatagram&) = delete;
  ~FirstDatagram() { forget(); }
  void keep(std::string_view bytes);
  void forget();
  explicit operator bool() const { return memory_ != nullptr; }
  std::string_view bytes() const { return {memory_, size_}; }

 private:
  char* memory_ = nullptr;
  std::size_t size_ = 0;
};

// The place of a flow in the count of its client's connections; gives it back at its end.
class CountedClient {
 public:
  CountedClient() = default;
  // `counted` is what the admission of `listener` has said of `client`.
  CountedClient(std::shared_ptr<worker::ListenerRuntime> listener, const base::IpAddress& client,
                worker::Counted counted)
      : listener_(counted != worker::Counted::no ? std::move(listener) : nullptr), client_(client), counted_(counted) {}
  CountedClient(CountedClient&& other) noexcept
      : listener_(std::move(other.listener_)), client_(other.client_), counted_(other.counted_) {}
  CountedClient& operator=(CountedClient&&) = delete;
  ~CountedClient() {
    if (listener_ != nullptr) listener_->admission.leave(client_, counted_);
  }

 private:
  std::shared_ptr<worker::ListenerRuntime> listener_;  // null: it is not counted
  base::IpAddress client_;
  worker::Counted counted_ = worker::Counted::no;
};

// The backend's side of a flow.
struct FlowBackend {
  net::Descriptor* socket = nullptr;  // null between two of them
  pool::AddressRound addresses;
  bool heard = false;
  bool bulk = false;  // replies come in long runs
};

// What has moved last.
struct FlowActivity {
  net::Tick last = 0;
  net::Tick unanswered_since = net::kNever;  // the client's first datagram after the backend's last reply; none: kNever
  std::uint32_t replies_in_a_row = 0;        // since the client's last datagram
};

struct FlowTimes {
  base::TimePoint started{};
  base::TimePoint attempt_started{};
  base::Nanoseconds first_reply{0};  // from the attempt's start; zero while none has come
};

struct FlowTotals {
  std::uint64_t datagrams_in = 0;  // from the client, handed to a backend
  std::uint64_t replies = 0;
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
};

// Owned by its relay, which does everything; the flow itself only waits for replies.
class UdpFlow final : public net::IoWaiter, public base::ListHook<UdpFlow> {
 public:
  UdpFlow(UdpRelay& owner, UdpEntrance& through, const UdpFlowKey& flow_key, std::uint32_t key_hash,
          worker::Worker& worker, CountedClient counted_client = {})
      : relay(owner),
        entrance(through),
        key(flow_key),
        hash(key_hash),
        counted(std::move(counted_client)),
        tries(worker) {}
  static void* operator new(std::size_t bytes) { return base::allocate_frame(bytes); }
  static void operator delete(void* memory, std::size_t bytes) { base::free_frame(memory, bytes); }

  bool is_of(std::uint32_t other_hash, const UdpFlowKey& other) const {
    return hash == other_hash && std::memcmp(&key, &other, sizeof key) == 0;
  }
  void on_ready() override;
  void on_timeout() override {}
  void cancel() override {}
  int fd() const { return backend.socket->fd(); }

  UdpRelay& relay;
  UdpEntrance& entrance;
  const UdpFlowKey key;
  const std::uint32_t hash;
  worker::SnapshotRef snapshot;
  CountedClient counted;
  const worker::PoolSnapshot* pool = nullptr;
  worker::BackendTries tries;
  FlowBackend backend;
  FirstDatagram first;
  std::optional<std::uint32_t> expected_responses;  // to each datagram; none: not known
  FlowActivity activity;
  FlowTimes times;
  FlowTotals totals;
};

}  // namespace weir::relay
