#include "net/drop_rest.h"

#include <algorithm>

#include "base/free_list.h"
#include "net/reactor.h"

namespace weir::net {

namespace {

// The bytes and ends that the peer has sent within one window after the other.
class Progress {
 public:
  Progress(const TcpStream& stream, const RestBounds& bounds) : stream_(stream), bounds_(bounds) {}
  // At the end of a window, with all bytes that have come so far.
  bool goes_on(std::size_t dropped) {
    std::size_t left = stream_.untaken_bytes();
    bool sends = dropped - dropped_before_ >= bounds_.least_bytes;
    bool takes = left > 0 && left < untaken_;
    untaken_ = left;
    dropped_before_ = dropped;
    return sends || takes;
  }

 private:
  const TcpStream& stream_;
  const RestBounds& bounds_;
  std::size_t untaken_ = SIZE_MAX;
  std::size_t dropped_before_ = 0;
};

}  // namespace

Task<void> drop_rest(TcpStream& stream, RestBounds bounds) {
  stream.finish_writing();
  auto asks_to_end = [&bounds](bool silent) { return bounds.goes_on != nullptr && !(*bounds.goes_on)(silent); };
  bool has_windows = bounds.window.count() > 0;
  base::TimePoint now = Reactor::current().now();
  base::TimePoint end = now + bounds.time;
  base::TimePoint window_end = has_windows ? now + bounds.window : end;
  Progress progress(stream, bounds);
  std::size_t dropped = 0;
  while (dropped < bounds.bytes) {
    base::Result<void> ready = co_await stream.wait_readable(std::min(end, window_end));
    if (!ready && ready.error().code != base::ErrorCode::timeout) co_return;
    if (asks_to_end(!ready)) co_return;
    if (ready) {
      base::Buffer buffer = base::Buffer::large();
      base::Result<std::size_t> got =
          co_await stream.read({buffer.data(), buffer.capacity()}, std::min(end, window_end));
      if (asks_to_end(false)) co_return;
      bool ready_for_nothing = !got && got.error().code == base::ErrorCode::timeout;
      if (!ready_for_nothing && (!got || *got == 0)) co_return;
      if (got) dropped += *got;
    }
    now = Reactor::current().now();
    if (now >= end) co_return;
    if (now < window_end) continue;
    if (!progress.goes_on(dropped)) co_return;
    window_end = now + bounds.window;
  }
}

}  // namespace weir::net
