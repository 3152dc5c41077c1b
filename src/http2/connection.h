// An HTTP/2 connection over a byte stream, for either role: nghttp2 frames it, this moves the bytes (RFC 9113).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <variant>

#include "base/intrusive_list.h"
#include "http2/abuse.h"
#include "http2/frame_scan.h"
#include "http2/resets.h"
#include "http2/settings.h"
#include "http2/shared.h"
#include "http2/stream.h"
#include "net/task.h"
#include "net/task_group.h"
#include "net/tcp.h"

namespace weir::http2 {

// The events that a connection reports to its owner. Never called while the owner's own call into the connection runs,
// but for begin_request and discard.
class ConnectionOwner {
 public:
  // Server: a request begins. The stream that is to carry it, or null to refuse it (REFUSED_STREAM): it did nothing.
  virtual Stream* begin_request() = 0;
  // Server: its head is complete. The stream is the owner's now; with the verdict `malformed` it has been reset
  // already, with `refused` the client deserves an answer.
  virtual void serve(Stream& stream, const FieldVerdict& verdict) = 0;
  // Server: the connection ended before its head was complete.
  virtual void discard(Stream& stream) = 0;
  // More or fewer streams may be opened than before: one has ended, or settings or GOAWAY came.
  virtual void on_streams_changed() = 0;

 protected:
  ~ConnectionOwner() = default;
};

// One coroutine reads, one writes: all frames that a round of the reactor makes leave in one send. Without work it
// holds no buffer of ours. Reactor's thread only; must outlive run().
class Connection final : private net::RoundEndWork {
 public:
  Connection(Role role, Shared& shared, const Settings& settings, net::TcpStream& stream, ConnectionOwner& owner);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Before run(): bytes that the peer has sent and somebody else has read.
  void feed(std::string_view bytes) { receive(bytes); }
  // Until the connection has ended; all its streams have failed or ended then.
  net::Task<void> run();

  // Client: may open() be called now?
  bool takes_streams() const;
  // Client: streams that may be open at once, by both sides' wish.
  std::uint32_t stream_limit() const;
  // Client: the request of `stream`. Error{reset, retry_helps} when takes_streams() is false.
  base::Result<void> open(Stream& stream, const FieldList& fields, bool last);
  // Client: the server takes extended CONNECT (RFC 8441 3).
  bool peer_takes_extended_connect() const;
  // The peer's first SETTINGS have come.
  bool is_established() const { return settings_received_; }

  // Server: streams that the client may have open.
  std::uint32_t stream_capacity() const { return settings_.max_streams; }
  std::uint32_t open_streams() const { return static_cast<std::uint32_t>(opened_.size()); }
  // No new streams; ends once those there have ended (GOAWAY; RFC 9113 6.8).
  void shut_down();
  bool is_shutting_down() const { return shutting_down_; }
  // It takes no new streams any more: by our wish, by the peer's (GOAWAY), or because it was lost.
  bool is_ending() const { return shutting_down_ || goaway_received_ || ended_; }
  // Ends now, with GOAWAY.
  void terminate(std::uint32_t code);

  Shared& shared() { return shared_; }
  // Why it ended, when not in an orderly way.
  const std::optional<base::Error>& failure() const { return failure_; }
  std::uint64_t bytes_read() const { return bytes_read_; }
  std::uint64_t bytes_written() const { return bytes_written_; }

 private:
  friend class Stream;
  friend class StreamWait;
  friend struct Callbacks;
  class WriterWait;

  // -- connection.cc: its life
  void start();
  net::Task<void> read_loop();
  base::TimePoint read_deadline() const;
  bool on_read_timeout();
  bool is_taking();
  bool ends_in_order() const;
  void receive(std::string_view bytes);
  ssize_t take_in(std::string_view bytes);
  net::Task<void> close_down(net::TaskGroup& writer);
  void fail_streams();
  void calm_down();
  bool owes_too_much() const;
  void send_final_goaway();
  void hurry_reader();

  // -- output.cc: what goes out
  net::Task<void> write_loop();
  void at_round_end() override;
  void mark_dirty();
  void pump();
  bool make_room();
  std::size_t room() const { return out_.capacity() - out_end_; }
  void put(std::string_view bytes);
  bool has_written_for(base::Nanoseconds duration) const {
    return writing_ && write_began_ + duration <= net::Reactor::current().now();
  }
  bool has_output() const { return out_end_ > out_begin_; }
  void run_woken();
  void wake(Stream& stream);

  // -- session.cc: nghttp2's events (Callbacks) and what streams ask for
  // False: the connection cannot go on.
  bool begin_headers(const nghttp2_frame& frame);
  // DATA or HEADERS of a stream that may be closed, which nghttp2 would ignore.
  void check_late_frame(std::int32_t id);
  // A new stream though as many are open as we allow: nghttp2 would end the connection with PROTOCOL_ERROR.
  bool is_stream_too_many(std::int32_t id);
  bool take_field(std::string_view name, std::string_view value, bool never_indexed);
  void end_headers(const nghttp2_frame& frame);
  void leave_section(std::int32_t id);
  void end_request(Stream& stream, bool ends_stream);
  void end_response(Stream& stream, bool ends_stream);
  bool charge(Abuse::Kind kind);
  void take_data(Stream& stream, std::string_view bytes);
  void end_input(Stream& stream);
  void break_stream(Stream& stream, const char* what, base::ErrorCode code = base::ErrorCode::protocol);
  // nghttp2 has not sent its head or trailers, which are too large.
  void unsendable(Stream& stream);
  void attach(Stream& stream, std::int32_t id);
  void detach(Stream& stream);
  void on_closed(Stream& stream, std::uint32_t code);
  void consumed(Stream& stream, std::size_t bytes);
  Stream* find(std::int32_t id) const;
  // How much of the body of stream `id` its next DATA frame takes; or an error of nghttp2's.
  ssize_t next_body_bytes(std::int32_t id, std::size_t most, std::uint32_t* flags);
  bool take_body_bytes(std::int32_t id, std::string_view frame_header, std::size_t count);
  base::Side peer_side() const { return role_ == Role::server ? base::Side::client : base::Side::backend; }

  Role role_;
  Shared& shared_;
  Settings settings_;
  net::TcpStream& stream_;
  ConnectionOwner& owner_;
  nghttp2_session* session_ = nullptr;
  Abuse abuse_;
  FrameScan scan_;            // server: of what comes
  Resets resets_;             // server: of the client's streams
  std::uint32_t frames_ = 0;  // received so far, those of bodies aside; may wrap around

  // The section that is being received.
  std::variant<std::monostate, RequestSection, ResponseSection, TrailerSection> section_;
  std::int32_t section_stream_ = 0;
  base::TimePoint section_began_{};

  // The bytes that are being sent: [out_begin_, out_end_) of out_, the first part of it perhaps under way.
  base::Buffer out_;
  std::size_t out_begin_ = 0;
  std::size_t out_end_ = 0;
  std::string_view pending_;  // the rest of a frame of nghttp2's that found no room
  WriterWait* writer_wait_ = nullptr;
  bool writing_ = false;
  base::TimePoint write_began_{};  // the last one
  bool pumping_ = false;
  bool again_ = false;  // a DATA frame was made: there may be more
  bool running_woken_ = false;

  base::IntrusiveList<Stream, Woken> woken_;
  base::IntrusiveList<Stream, Opened> opened_;
  std::uint32_t growth_left_;
  base::TimePoint began_{};
  base::TimePoint idle_since_{};
  base::TimePoint shut_down_at_{};
  // Bytes that the peer had still to take when that was last less than before, since the last stream ended; 0: not
  // asked yet.
  std::size_t untaken_ = 0;
  base::TimePoint taken_at_{};
  std::int32_t last_begun_ = 0;  // server: the highest that a HEADERS frame has named
  std::uint32_t incoming_ = 0;   // server: streams that nghttp2 counts as open
  bool settings_acked_ = false;  // the peer knows our limits
  bool settings_received_ = false;
  bool goaway_received_ = false;
  bool shutting_down_ = false;
  bool final_goaway_ = false;
  bool ended_ = false;      // nothing more is read
  bool muted_ = false;      // nghttp2 makes no more frames
  bool finishing_ = false;  // the writer ends when all is written
  bool failed_ = false;     // nor written
  bool streams_changed_ = false;
  std::optional<base::Error> failure_;
  std::uint64_t bytes_read_ = 0;
  std::uint64_t bytes_written_ = 0;
};

}  // namespace weir::http2
