// Which streams of an HTTP/2 connection were reset, and by whom: what decides about frames that come for them later.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <vector>

#include "base/clock.h"

namespace weir::http2 {

// The meaning of a frame for a stream that is no longer open (RFC 9113 5.1).
enum class LateFrame : std::uint8_t {
  in_flight,  // its peer had not read our RST_STREAM yet: ignored
  of_reset,   // behind a RST_STREAM: an error of the stream
  of_ended,   // behind END_STREAM: an error of the connection
};

// Takes no memory until the first reset. Of older ones than the last kKept only the highest number is known: frames for
// streams up to that one count as in flight. Not thread-safe.
class Resets {
 public:
  // Frames may come so long behind a RST_STREAM of ours.
  static constexpr auto kGrace = std::chrono::seconds(5);
  static constexpr std::size_t kKept = 128;

  // A RST_STREAM for `id` goes out at `now`, or was received.
  void sent(std::int32_t id, base::TimePoint now) { keep({.id = id, .forgiven_until = now + kGrace}); }
  void received(std::int32_t id) { keep({.id = id, .forgiven_until = base::TimePoint::min()}); }
  LateFrame judge(std::int32_t id, base::TimePoint now) const {
    auto last = std::find_if(resets_.rbegin(), resets_.rend(), [id](const Reset& each) { return each.id == id; });
    if (last == resets_.rend()) return id <= forgotten_ ? LateFrame::in_flight : LateFrame::of_ended;
    return now < last->forgiven_until ? LateFrame::in_flight : LateFrame::of_reset;
  }

 private:
  struct Reset {
    std::int32_t id;
    base::TimePoint forgiven_until;
  };
  void keep(const Reset& reset) {
    auto same = std::find_if(resets_.begin(), resets_.end(), [&](const Reset& each) { return each.id == reset.id; });
    if (same != resets_.end()) resets_.erase(same);
    if (resets_.size() == kKept) {
      forgotten_ = std::max(forgotten_, resets_.front().id);
      resets_.erase(resets_.begin());
    }
    resets_.push_back(reset);
  }

  std::vector<Reset> resets_;  // the oldest first
  std::int32_t forgotten_ = 0;
};

}  // namespace weir::http2
