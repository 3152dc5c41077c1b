#include "front/linger.h"

#include <algorithm>
#include <cstdint>

#include "base/free_list.h"
#include "worker/tcp_connection.h"
#include "worker/timeouts.h"

namespace weir::front {

namespace {

// In all, and of an upload that nobody wants.
constexpr auto kLingerTime = std::chrono::seconds(30);
constexpr std::size_t kLingerBytes = 256 * 1024 * 1024;
// A client that sends less than that in so long, and takes nothing, is waited for no longer.
constexpr auto kWindow = std::chrono::seconds(2);
constexpr std::size_t kLeastInWindow = 16 * 1024;
constexpr std::uint32_t kMostAtOnce = 1024;

class InCount {
 public:
  explicit InCount(std::uint32_t& count) : count_(count) { ++count_; }
  ~InCount() { --count_; }
  InCount(const InCount&) = delete;
  InCount& operator=(const InCount&) = delete;

 private:
  std::uint32_t& count_;
};

}  // namespace

net::Task<void> linger(worker::TcpConnection& client) {
  worker::Worker& worker = client.worker;
  if (worker.lingering >= kMostAtOnce) co_return;
  InCount counted(worker.lingering);
  net::TcpStream& stream = client.stream;
  stream.finish_writing();
  // A listener that closes hurries it; so does a new client that needs its place, which makes the stage `working`.
  client.stage = worker::Stage::waiting;
  base::TimePoint now = worker.reactor.now();
  base::TimePoint end = now + (client.listening.closing ? worker::kClosingGrace : kLingerTime);
  base::TimePoint window_end = now + kWindow;
  std::size_t untaken = SIZE_MAX;
  std::size_t dropped = 0;
  std::size_t dropped_before = 0;
  while (dropped < kLingerBytes) {
    base::Result<void> ready = co_await stream.wait_readable(std::min(end, window_end));
    if (client.stage == worker::Stage::working) co_return;
    if (ready) {
      base::Buffer buffer = base::Buffer::large();
      base::Result<std::size_t> got =
          co_await stream.read({buffer.data(), buffer.capacity()}, std::min(end, window_end));
      if (client.stage == worker::Stage::working) co_return;
      bool ready_for_nothing = !got && got.error().code == base::ErrorCode::timeout;
      if (!ready_for_nothing && (!got || *got == 0)) co_return;
      if (got) dropped += *got;
    } else if (ready.error().code != base::ErrorCode::timeout || client.listening.closing) {
      co_return;
    }
    now = worker.reactor.now();
    if (now < std::min(end, window_end)) continue;
    std::size_t left = stream.untaken_bytes();
    bool sends = dropped - dropped_before >= kLeastInWindow;
    bool takes = left > 0 && left < untaken;
    if (now >= end || (!sends && !takes)) co_return;
    untaken = left;
    dropped_before = dropped;
    window_end = now + kWindow;
  }
}

}  // namespace weir::front
