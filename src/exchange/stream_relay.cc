#include "exchange/stream_relay.h"

#include <algorithm>
#include <new>

#include "base/out_of_memory.h"
#include "worker/worker.h"

namespace weir::exchange {

using base::ErrorCode;
using base::Side;

namespace {

// How long both sides of a WebSocket have to answer a Close.
constexpr auto kCloseTime = std::chrono::seconds(3);

Side other(Side side) { return side == Side::client ? Side::backend : Side::client; }

}  // namespace

// The other direction cannot go on alone after a failure.
void StreamRelay::fail(const base::Error& error) {
  if (failure_) return;
  failure_ = error;
  directions_.cancel();
}

// A frame of ours goes in only where one of theirs has ended.
bool StreamRelay::may_close(const Direction& direction) const {
  return close_code_ != 0 && !direction.cut_off && !direction.ended && !direction.writing &&
         direction.frames.at_boundary() && !direction.frames.closed();
}

void StreamRelay::close_websocket(std::uint16_t code) {
  // Both directions may have ended in this round, and run() only has to be told.
  if (close_code_ != 0 || (started_ && directions_.size() == 0)) return;
  close_code_ = code;
  idle_limit_ = std::min<base::Nanoseconds>(idle_limit_, kCloseTime);
  last_activity_ = net::Reactor::current().now();
  try {
    for (Direction* direction : {&upward_, &downward_}) {
      if (may_close(*direction)) directions_.spawn(send_close(*direction));
    }
    // Whoever waits looks at the limit again.
    directions_.spawn(end_in_time());
  } catch (const std::bad_alloc&) {
    fail(base::kOutOfMemory);
  }
}

void StreamRelay::close_where_it_must_go() {
  if (!backend->takes_new_work()) {
    close_websocket(kServiceRestart);
  } else if (listening->closing) {
    close_websocket(kGoingAway);
  }
}

net::Task<void> StreamRelay::end_in_time() {
  base::Result<void> slept = co_await net::sleep_for(kCloseTime);
  if (slept) fail({.code = ErrorCode::timeout, .side = Side::ours, .what = "the WebSocket was closed"});
}

// Unmasked to the client, masked to the backend (RFC 6455 5.1); what the mask is does not matter here.
net::Task<void> StreamRelay::send_close(Direction& direction) {
  direction.cut_off = true;
  bool masked = direction.from_side == Side::client;
  auto high = static_cast<char>(close_code_ >> 8), low = static_cast<char>(close_code_ & 0xff);
  direction.close_frame = masked ? std::array<char, 8>{'\x88', '\x82', 0, 0, 0, 0, high, low}
                                 : std::array<char, 8>{'\x88', '\x02', high, low};
  std::string_view frame(direction.close_frame.data(), masked ? 8 : 4);
  direction.writing = true;
  base::Result<void> written = co_await direction.to.write(frame, idle_limit_);
  direction.writing = false;
  if (!written) co_return fail(written.error().on(other(direction.from_side)));
  if (direction.end_due) finish(direction);
  end_answered();
}

// An end must not take the place of a Close that is still on its way.
void StreamRelay::finish(Direction& direction) {
  direction.end_due = direction.writing;
  if (!direction.writing) direction.to.finish_writing();
}

// After a close of ours nothing more is waited for than both answers.
void StreamRelay::end_answered() {
  if (close_code_ == 0 || !upward_.ended || !downward_.ended || upward_.writing || downward_.writing) return;
  for (Direction* each : {&upward_, &downward_}) each->to.finish_writing();
  directions_.cancel();
}

// Ends with the peer that it writes to: nothing else would tell a direction whose sender is quiet.
net::Task<void> StreamRelay::pump(Direction& direction) {
  net::TaskContext& context = co_await net::this_context();
  direction.to.cancel_when_broken(&context);
  if (direction.to.broken()) context.cancel();
  try {
    co_await pass_on(direction);
  } catch (const std::bad_alloc&) {
    fail(base::kOutOfMemory);
  }
  direction.to.cancel_when_broken(nullptr);
}

// Whether `error` ended a direction because its reader is gone. The other direction goes on to pass on what that peer
// has sent before.
bool StreamRelay::has_lost_reader(const Direction& direction, const base::Error& error) {
  if (error.code != ErrorCode::cancelled || failure_) return false;
  std::optional<base::Error> gone = direction.to.broken();
  if (!gone) return false;
  if (gone->code != ErrorCode::closed) failure_ = gone->on(other(direction.from_side));
  return true;
}

// A direction may be quiet for as long as the other one is not.
net::Task<void> StreamRelay::pass_on(Direction& direction) {
  while (true) {
    base::Result<std::string_view> got = co_await direction.from.read(last_activity_ + idle_limit_);
    base::TimePoint now = net::Reactor::current().now();
    bool timed_out = !got && got.error().code == ErrorCode::timeout;
    if (timed_out && last_activity_ + idle_limit_ > now) continue;
    if (!got && has_lost_reader(direction, got.error())) break;
    if (!got) co_return fail(got.error().on(timed_out ? Side::ours : direction.from_side));
    last_activity_ = now;
    if (got->empty()) {
      finish(direction);
      break;
    }
    direction.bytes += got->size();
    if (websocket_) direction.frames.take(*got);
    if (direction.cut_off) {
      // Only its own Close is waited for.
      if (direction.frames.closed()) break;
      continue;
    }
    direction.writing = true;
    base::Result<void> written = co_await direction.to.write(*got, idle_limit_);
    direction.writing = false;
    if (!written && has_lost_reader(direction, written.error())) break;
    if (!written) co_return fail(written.error().on(other(direction.from_side)));
    if (may_close(direction)) co_await send_close(direction);
    net::Turn::spend(net::Turn::kStream);
    co_await net::TurnEnd();
  }
  direction.ended = true;
  end_answered();
}

net::Task<base::Result<void>> StreamRelay::run() {
  last_activity_ = net::Reactor::current().now();
  try {
    directions_.spawn(pump(upward_));
    directions_.spawn(pump(downward_));
  } catch (const std::bad_alloc&) {
    fail(base::kOutOfMemory);
  }
  started_ = true;
  co_await directions_.join();
  if (failure_ && close_code_ == 0) co_return std::unexpected(*failure_);
  co_return base::Result<void>();
}

}  // namespace weir::exchange
