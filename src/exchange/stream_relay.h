// Bytes both ways between two ends of a tunnel: of WebSockets, which can be ended in their own terms, and wherever a
// stream of an HTTP/2 connection is one of the ends. (Other tunnels are Relay's, in the kernel where that pays.)
#pragma once

#include <array>
#include <optional>

#include "exchange/tunnel_end.h"
#include "http/websocket_frames.h"
#include "net/task_group.h"
#include "worker/open_websocket.h"

namespace weir::pool {
class Backend;
}

namespace weir::worker {
struct Listening;
}

namespace weir::exchange {

// Codes of a WebSocket's Close (RFC 6455 7.4.1 and its registry): why Weir ends it.
inline constexpr std::uint16_t kGoingAway = 1001;
inline constexpr std::uint16_t kServiceRestart = 1012;

// An end in one direction is passed on and the other goes on; a slow reader stops the reading from its peer; a quiet
// direction holds no buffer. The worker's thread only; borrows the ends.
class StreamRelay final : public worker::OpenWebsocket {
 public:
  StreamRelay(TunnelEnd& client, TunnelEnd& backend, base::Nanoseconds idle_limit)
      : idle_limit_(idle_limit),
        upward_{.from = client, .to = backend, .from_side = base::Side::client},
        downward_{.from = backend, .to = client, .from_side = base::Side::backend} {}

  // Until both directions have ended, or one failed. Errors as Relay::run() has them.
  net::Task<base::Result<void>> run();
  // For a relay whose run() could not begin, or was left by bad_alloc: `co_await relay.stop();` before it goes.
  net::TaskGroup::Join stop() {
    directions_.cancel();
    return directions_.join();
  }
  std::uint64_t bytes_from_client() const { return upward_.bytes; }
  std::uint64_t bytes_from_backend() const { return downward_.bytes; }

  // For a WebSocket: both sides are told to close, with this code (RFC 6455 7.4.1), as soon as a frame has ended; they
  // have a moment to answer.
  void close_websocket(std::uint16_t code);

  // That code; 0: they were not told.
  std::uint16_t close_code() const { return close_code_; }

  void close_where_it_must_go() override;

  // It is a WebSocket, of which these bytes have passed before run().
  void follow_websocket(std::string_view from_client, std::string_view from_backend) {
    websocket_ = true;
    upward_.frames.take(from_client);
    downward_.frames.take(from_backend);
  }
  // Whose it is: what ends it.
  worker::Listening* listening = nullptr;
  pool::Backend* backend = nullptr;

 private:
  struct Direction {
    TunnelEnd& from;
    TunnelEnd& to;
    base::Side from_side;
    std::uint64_t bytes = 0;
    http::WebsocketFrames frames{};
    bool writing = false;
    bool ended = false;    // nothing more comes
    bool end_due = false;  // behind what is being written
    bool cut_off = false;  // our Close went out: nothing that comes is passed on
    std::array<char, 8> close_frame{};
  };

  net::Task<void> pump(Direction& direction);
  net::Task<void> pass_on(Direction& direction);
  bool has_lost_reader(const Direction& direction, const base::Error& error);
  net::Task<void> send_close(Direction& direction);
  net::Task<void> end_in_time();
  static void finish(Direction& direction);
  void end_answered();
  bool may_close(const Direction& direction) const;
  void fail(const base::Error& error);

  base::Nanoseconds idle_limit_;
  bool websocket_ = false;
  bool started_ = false;
  std::uint16_t close_code_ = 0;
  base::TimePoint last_activity_{};
  std::optional<base::Error> failure_;
  net::TaskGroup directions_;
  Direction upward_;
  Direction downward_;
};

}  // namespace weir::exchange
