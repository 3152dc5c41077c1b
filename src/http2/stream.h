// One stream of an HTTP/2 connection: a request and its response, seen from either side.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "base/error.h"
#include "base/intrusive_list.h"
#include "http/h1_body.h"
#include "http2/fields.h"
#include "http2/input.h"
#include "http2/shared.h"
#include "net/wait.h"

namespace weir::http2 {

class Connection;
class Stream;

// Waits until a stream has what is asked for, or has failed; Error{timeout, cancelled} otherwise. Never fails because
// the stream did: what is there to take says so.
class StreamWait final : public net::Suspension<net::Wait>, private net::TimerNode {
 public:
  enum class For : std::uint8_t { head, input, sent };
  StreamWait(Stream& stream, For what, base::TimePoint deadline, base::Nanoseconds patience)
      : stream_(stream), for_(what), deadline_(deadline), patience_(patience) {}
  bool await_ready() const;
  template <typename Promise>
  bool await_suspend(std::coroutine_handle<Promise> handle) {
    if (!suspend(handle)) {
      error_ = base::ErrorCode::cancelled;
      return false;
    }
    attach();
    return true;
  }
  base::Result<void> await_resume() const {
    if (error_) return base::fail(*error_, "waiting for an HTTP/2 stream");
    return {};
  }
  void cancel() override;

 private:
  friend class Connection;
  friend class Stream;
  void attach();
  void detach();
  void go();
  void hurry(base::TimePoint deadline);
  void on_timer() override;

  Stream& stream_;
  For for_;
  base::TimePoint deadline_;
  base::Nanoseconds patience_;
  std::optional<base::ErrorCode> error_;
};

struct Woken;   // tag: somebody may go on
struct Opened;  // tag: open in its connection

// Owned by who uses it; knows its connection while it is open there, and leaves it when destroyed: by a reset, unless
// both directions have ended. Reactor's thread only.
//
// One task may wait for what comes in and one for what goes out.
class Stream : public base::ListHook<Woken>, public base::ListHook<Opened> {
 public:
  // Heads that arrive are read into `request` (server) or `response` (client) and `arena`.
  Stream(http::RequestHead& request, http::ResponseHead& response, base::Arena& arena)
      : request_(request), response_(response), arena_(arena) {}
  virtual ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  std::int32_t id() const { return id_; }
  // False before it was opened, and after it has ended or failed: then nothing more can be sent.
  bool is_open() const { return connection_ != nullptr; }
  Connection* connection() const { return connection_; }

  // -- what comes in
  // Client: waits for the next head, interim or final; the one before is not used any more.
  StreamWait wait_head(base::TimePoint deadline) {
    wants_head_ = true;
    return {*this, StreamWait::For::head, deadline, {}};
  }
  // After wait_head(): the head is in `response` now, or why the stream failed.
  base::Result<void> take_head();
  // Something to take(): bytes of the body, its end, or the failure.
  bool has_input() const { return input_.size() > in_hand_ || input_ended_ || error_; }
  StreamWait wait_input(base::TimePoint deadline) { return {*this, StreamWait::For::input, deadline, {}}; }
  // The piece that take() gives next, without taking it; stays the same until then.
  base::Result<http::BodyPiece> peek();
  bool has_in_hand() const { return in_hand_ > 0; }  // a piece that was peeked or taken, whose bytes are still there
  // After has_input(): the next piece, whose bytes stay until the next take(). Taking opens the window again.
  base::Result<http::BodyPiece> take();
  // Moves the deadline of who waits for a head or input, if somebody does, to `deadline` when that is earlier.
  void hurry_reader(base::TimePoint deadline) {
    if (in_wait_ != nullptr) in_wait_->hurry(deadline);
  }
  const http::HeaderMap& trailers() const { return trailers_; }

  // -- what goes out
  // Server: a head, interim or final. `last`: no body follows. (A client's is Connection::open.)
  void send_head(const FieldList& fields, bool last, bool interim = false);
  // The next bytes of the body, which must stay until wait_sent() has ended or the stream is reset; `trailers`, if any,
  // as long. Only after what was sent before is all gone.
  void send(std::string_view bytes, bool last, const FieldList* trailers = nullptr);
  bool all_sent() const { return out_.empty() && !out_end_due_; }
  // Until the bytes were taken over for sending. Error{timeout} when none of them were for `patience`.
  StreamWait wait_sent(base::Nanoseconds patience) { return {*this, StreamWait::For::sent, {}, patience}; }
  bool output_ended() const { return output_ended_; }
  // Bytes of the body that have gone so far.
  std::uint64_t sent_bytes() const { return sent_; }
  // The peer takes more of this stream: when nothing goes, it waits for its connection.
  bool may_send() const;

  // Ends the stream at once with this error code (RFC 9113 7); no-op when it is not open.
  void reset(std::uint32_t code);
  // Resets the stream, and whoever waits for it finds this error.
  void cut(const base::Error& error);
  // Its user wants nothing more of it: reset, unless both directions have ended. What was received stays.
  void leave();
  // The whole connection was lost, with the stream on it.
  bool lost_connection() const { return lost_connection_; }
  // Why the stream failed: reset by the peer, its connection lost, a broken rule.
  const std::optional<base::Error>& error() const { return error_; }
  // The chain to cancel as soon as the stream fails, or takes no more of what goes out; null for none.
  void cancel_when_reset(net::TaskContext* context) { break_context_ = context; }

 private:
  friend class Connection;
  friend class StreamWait;
  // A head that arrived before anybody took the one before.
  struct PendingHead {
    base::Arena arena;
    http::ResponseHead head;
    bool complete = false;  // until then its fields are still being read
  };

  bool has_pending_head() const { return !pending_heads_.empty() && pending_heads_.front()->complete; }
  bool is_ready(StreamWait::For what) const {
    if (what == StreamWait::For::sent) return all_sent() || error_ || connection_ == nullptr;
    return what == StreamWait::For::head ? head_ready_ || has_pending_head() || error_ || input_ended_ : has_input();
  }
  void fail(const base::Error& error);
  nghttp2_data_provider body_source();
  // Drops what must not be used again by the session: bytes that are about to go away.
  void forget_output() { out_ = {}, out_trailers_ = nullptr, out_end_due_ = false; }

  http::RequestHead& request_;
  http::ResponseHead& response_;
  base::Arena& arena_;
  Connection* connection_ = nullptr;
  std::int32_t id_ = 0;

  Input input_;
  std::size_t in_hand_ = 0;              // of the front: given out by take()
  std::uint64_t received_ = 0;           // bytes of the body
  std::uint64_t expected_ = UINT64_MAX;  // by Content-Length
  std::uint32_t window_ = 0;
  std::uint32_t taken_since_growth_ = 0;
  std::vector<std::unique_ptr<PendingHead>> pending_heads_;
  http::HeaderMap trailers_;
  StreamWait* in_wait_ = nullptr;
  StreamWait* out_wait_ = nullptr;
  net::TaskContext* break_context_ = nullptr;
  base::IntrusiveList<Stream, Woken>* woken_in_ = nullptr;
  std::optional<base::Error> error_;

  std::string_view out_;
  const FieldList* out_trailers_ = nullptr;
  base::TimePoint sent_at_{};  // when bytes last went
  std::uint64_t sent_ = 0;     // bytes of the body
  bool out_end_due_ = false;   // after out_, the end
  bool output_ended_ = false;  // END_STREAM was handed over for sending
  bool deferred_ = false;      // the session waits for resume
  bool arrived_ = false;       // server: a request whose head is complete, not yet given to the owner
  bool final_head_ = false;    // the final head has come
  bool head_ready_ = false;    // client: one waits in response_
  bool wants_head_ = true;     // client: response_ is free
  bool unserved_ = false;      // server: not yet given to the owner
  bool input_ended_ = false;
  bool lost_connection_ = false;
  FieldVerdict verdict_;
};

}  // namespace weir::http2
