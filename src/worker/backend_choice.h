// Which backend of a pool takes one exchange, TCP connection or UDP flow, and its being counted there.
#pragma once

#include <array>
#include <cstdint>

#include "base/error.h"
#include "worker/worker.h"

namespace weir::worker {

// Lives as long as that work, on the worker's thread; the caller keeps the pool's snapshot alive. Every try is begun
// and ended: between the two the backend counts it as in flight.
class BackendChoice {
 public:
  explicit BackendChoice(Worker& worker) : worker_(worker) {}
  ~BackendChoice() { end(false, {}); }
  BackendChoice(const BackendChoice&) = delete;
  BackendChoice& operator=(const BackendChoice&) = delete;

  void use(const PoolSnapshot& pool) { pool_ = &pool; }

  // The strategy's choice for `key_hash` (see balance::PickContext), passing over what has been tried and what traffic
  // has just found unreachable, and what has left since the snapshot was made, unless nothing else is left;
  // balance::kNone when no backend is eligible. What has become unhealthy since then is no more eligible, unless the
  // pool's `min_healthy` asks for it; nor, for a further try, what had all its time to drain.
  std::uint32_t pick(std::uint64_t key_hash);

  // For a connection or flow of the client with that hash: at first the backend that the pool's stickiness by address
  // gives it, else pick().
  std::uint32_t pick_for_client(std::uint64_t address_hash);

  // Why pick() has found none. Its `what` lives as long as the pool's snapshot.
  base::Error none_is_eligible() const;

  // No try, but further picks keep away from it: the backend has no room.
  void pass_over(std::uint32_t index) { note_tried(index); }

  // A try on `index` begins: it is present() from now on.
  void begin(std::uint32_t index);
  // Its backend is asked: the try counts among the backend's requests. One that waited for a connection in vain does
  // not.
  void reached() { backend().total_requests.fetch_add(1, std::memory_order_relaxed); }
  // The backend's first byte came after `latency`, and the try goes on: strategies learn of it now, not at the end.
  void responded(base::Nanoseconds latency);
  // The try is over: `failed` by the backend's fault, for `why`; `latency` to its first byte (zero: unknown). Without a
  // try under way nothing happens.
  void end(bool failed, base::Nanoseconds latency, const base::Error& why = {});
  bool under_way() const { return under_way_; }

  // How opening a connection to the present backend went. Failures count for the health state machine at once; several
  // in a row let picks pass over the backend for a second.
  void connected();
  void connect_failed(const base::Error& error);

  // Of the present or last try; none before the first.
  bool has_backend() const { return index_ != balance::kNone; }
  std::uint32_t index() const { return index_; }
  const pool::BackendEntry& entry() const { return pool_->eligible[index_]; }
  pool::Backend& backend() const { return *entry().backend; }
  std::uint32_t tries() const { return tries_; }
  // Whether the present backend may be tried once more as it was.
  bool is_still_eligible() const { return !has_failed(index_) && !is_cut_off(index_); }

  // So many are kept away from at most.
  static constexpr std::size_t kMaxTried = 16;

 private:
  void note_tried(std::uint32_t index) {
    if (tried_count_ < kMaxTried) tried_[tried_count_++] = index;
  }
  bool is_suspended(std::uint32_t index) const;
  bool has_failed(std::uint32_t index) const;
  bool has_left(std::uint32_t index) const;
  bool is_cut_off(std::uint32_t index) const;
  bool is_barred(std::uint32_t index) const;

  Worker& worker_;
  const PoolSnapshot* pool_ = nullptr;
  std::uint32_t index_ = balance::kNone;
  std::uint32_t tries_ = 0;
  bool under_way_ = false;
  bool responded_ = false;
  std::array<std::uint32_t, kMaxTried> tried_{};
  std::size_t tried_count_ = 0;
};

// Whether `code` says that a connection could not be opened by the backend's fault.
bool is_connect_failure(base::ErrorCode code);

}  // namespace weir::worker

// Until the exchange moves.
namespace weir::proxy {
using namespace weir::worker;
}
