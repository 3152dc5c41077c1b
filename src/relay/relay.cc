#include "relay/relay.h"

#include <new>
#include <utility>

#include "base/free_list.h"
#include "base/out_of_memory.h"
#include "net/splice.h"

namespace weir::relay {

using base::Error;
using base::ErrorCode;
using base::Side;

namespace {

// A direction that gives less than this between two waits is not worth a pipe. One that gives so much at once is.
constexpr std::size_t kBulkBytes = base::kBufferBytes;
// A read that finds nothing after all holds its buffer for so long at most.
constexpr auto kHoldBuffer = std::chrono::seconds(1);

Side other(Side side) { return side == Side::client ? Side::backend : Side::client; }

}  // namespace

bool Relay::is_idle_too_long() const { return deadline() <= net::Reactor::current().now(); }

void Relay::moved(Direction& direction, std::size_t bytes) {
  last_activity_ = net::Reactor::current().now();
  direction.bytes += bytes;
  bool up = direction.from_side == Side::client;
  if (up) {
    last_from_client_ = last_activity_;
  } else if (observer_ != nullptr) {
    std::exchange(observer_, nullptr)->on_first_byte(last_from_client_, last_activity_);
  }
  if (counters_ == nullptr) return;
  (up ? counters_->from_client : counters_->from_backend).add(counters_->worker, bytes);
  (up ? counters_->to_backend : counters_->to_client).add(counters_->worker, bytes);
}

net::Task<void> Relay::end(Direction& direction) {
  direction.ended = true;
  if (!finished_first_ && !failure_) finished_first_ = direction.from_side;
  if (direction.to.is_filtered()) {
    // A socket that is full has no room for the end of TLS, without which the peer takes the stream for cut off. A peer
    // that is gone is not told, and who reads from it learns why.
    direction.to.announce_end();
    static_cast<void>(co_await direction.to.write(std::string_view(), idle_limit_));
  }
  // When both have ended, closing tells the peer as well.
  if (!upward_.ended || !downward_.ended) direction.to.finish_writing();
}

// The other direction cannot go on alone after a failure.
void Relay::fail(const Error& error) {
  if (failure_) return;
  failure_ = error;
  directions_.cancel();
}

net::Task<void> Relay::pump(Direction& direction) {
  net::TcpStream& from = direction.from;
  net::TcpStream& to = direction.to;
  try {
    while (true) {
      base::Result<void> ready = co_await from.wait_readable(deadline());
      if (!ready && ready.error().code == ErrorCode::timeout && !is_idle_too_long()) continue;
      if (!ready) co_return fail(ready.error().on(Side::ours));
      base::Buffer buffer = base::Buffer::small();
      base::Result<std::size_t> got =
          co_await from.read({buffer.data(), buffer.capacity()}, net::Reactor::current().now() + kHoldBuffer);
      if (!got && got.error().code == ErrorCode::timeout) continue;
      if (!got) co_return fail(got.error().on(direction.from_side));
      if (*got == 0) co_return co_await end(direction);
      moved(direction, *got);
      bool bulk = *got >= kBulkBytes && !from.is_filtered() && !to.is_filtered();
      base::Result<void> written = co_await to.write(std::string_view(buffer.data(), *got), idle_limit_);
      if (!written) co_return fail(written.error().on(other(direction.from_side)));
      buffer.release();
      if (!bulk) continue;
      base::Result<bool> ended = co_await pump_bulk(direction);
      if (!ended) co_return fail(ended.error());
      if (*ended) co_return co_await end(direction);
    }
  } catch (const std::bad_alloc&) {
    co_return fail(base::kOutOfMemory);
  }
}

// A direction while it goes through a pipe: for as long as much comes between two waits.
class Relay::Bulk final : public net::SpliceOwner {
 public:
  Bulk(Relay& relay, Direction& direction) : relay_(relay), direction_(direction) {}
  void taken(std::size_t bytes) override {
    since_pause_ += bytes;
    relay_.moved(direction_, bytes);
  }
  std::optional<base::TimePoint> pause() override {
    if (std::exchange(since_pause_, 0) < kBulkBytes) return std::nullopt;
    return net::Reactor::current().now() + kHoldBuffer;
  }

 private:
  Relay& relay_;
  Direction& direction_;
  std::size_t since_pause_ = 0;
};

net::Task<base::Result<bool>> Relay::pump_bulk(Direction& direction) {
  base::Result<net::Pipe> pipe = net::Pipe::take();
  if (!pipe) co_return false;
  Bulk bulk(*this, direction);
  net::SpliceOptions options{
      .patience = idle_limit_, .from_side = direction.from_side, .to_side = other(direction.from_side)};
  base::Result<net::SpliceEnd> end = co_await net::splice(*pipe, direction.from, direction.to, options, bulk);
  if (!end) co_return std::unexpected(end.error());
  co_return *end == net::SpliceEnd::ended;
}

net::Task<base::Result<void>> Relay::run() {
  last_activity_ = net::Reactor::current().now();
  try {
    directions_.spawn(pump(upward_));
    directions_.spawn(pump(downward_));
  } catch (const std::bad_alloc&) {
    fail(base::kOutOfMemory);
  }
  co_await directions_.join();
  if (failure_) co_return std::unexpected(*failure_);
  co_return base::Result<void>();
}

}  // namespace weir::relay
