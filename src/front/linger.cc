#include "front/linger.h"

#include <cstdint>

#include "net/drop_rest.h"
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
  // A listener that closes hurries it; so does a new client that needs its place, which makes the stage `working`.
  client.stage = worker::Stage::waiting;
  auto goes_on = [&client](bool silent) {
    return client.stage != worker::Stage::working && !(silent && client.listening.closing);
  };
  base::FunctionRef<bool(bool)> asked(goes_on);
  net::RestBounds bounds{.time = client.listening.closing ? worker::kClosingGrace : kLingerTime,
                         .bytes = kLingerBytes,
                         .window = kWindow,
                         .least_bytes = kLeastInWindow,
                         .goes_on = &asked};
  co_await net::drop_rest(client.stream, bounds);
}

}  // namespace weir::front
