// The effect of nghttp2's events on the streams of a connection, and the requests of streams to it.
#include <algorithm>

#include "http2/connection.h"

namespace weir::http2 {

using base::Error;
using base::ErrorCode;

namespace {

// Heads that a backend may send ahead of the final one before anybody has taken them.
constexpr std::size_t kMaxPendingHeads = 16;
// A field section so far beyond its limit is no mistake (HPACK turns one byte into kilobytes).
constexpr std::uint64_t kAbsurdFieldBytes = 4 * 1024 * 1024;
// From so much of a body on its pieces are large ones.
constexpr std::uint64_t kLargeBody = 64 * 1024;
constexpr std::uint32_t kMaxStreamId = INT32_MAX;

}  // namespace

Stream* Connection::find(std::int32_t id) const {
  return static_cast<Stream*>(nghttp2_session_get_stream_user_data(session_, id));
}

bool Connection::charge(Abuse::Kind kind) { return abuse_.charge(kind, net::Reactor::current().now()); }

void Connection::check_late_frame(std::int32_t id) {
  bool was_begun = id % 2 != 0 && id <= last_begun_;
  if (role_ == Role::client || !was_begun || nghttp2_session_find_stream(session_, id) != nullptr) return;
  base::TimePoint now = net::Reactor::current().now();
  switch (resets_.judge(id, now)) {
    case LateFrame::in_flight:
      return;
    case LateFrame::of_reset:
      // One answer for all frames that come before the client has read it.
      resets_.sent(id, now);
      nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, NGHTTP2_STREAM_CLOSED);
      return;
    case LateFrame::of_ended:
      nghttp2_session_terminate_session(session_, NGHTTP2_STREAM_CLOSED);
      return;
  }
}

void Connection::attach(Stream& stream, std::int32_t id) {
  stream.connection_ = this;
  stream.woken_in_ = &woken_;
  stream.id_ = id;
  stream.window_ = settings_.stream_window_bytes;
  opened_.push_back(stream);
  abuse_.useful();
}

bool Connection::is_stream_too_many(std::int32_t id) {
  if (role_ != Role::server || id <= last_begun_) return false;
  last_begun_ = id;
  return settings_acked_ && incoming_ >= settings_.max_streams;
}

// The session knows it no more; its bytes that were not taken yet stay. nghttp2 may go on with a head or trailers of it
// that have begun: they have no place any more.
void Connection::detach(Stream& stream) {
  if (section_stream_ == stream.id_) section_.emplace<std::monostate>();
  nghttp2_session_set_stream_user_data(session_, stream.id_, nullptr);
  opened_.remove(stream);
  stream.connection_ = nullptr;
  growth_left_ += stream.window_ - settings_.stream_window_bytes;
  streams_changed_ = true;
  if (opened_.empty()) {
    idle_since_ = net::Reactor::current().now();
    untaken_ = 0;
    if (shutting_down_ && role_ == Role::client) send_final_goaway();
    hurry_reader();
  }
  mark_dirty();
}

bool Connection::begin_headers(const nghttp2_frame& frame) {
  section_.emplace<std::monostate>();
  if (frame.hd.type != NGHTTP2_HEADERS) return true;
  section_stream_ = frame.hd.stream_id;
  section_began_ = net::Reactor::current().now();
  if (role_ == Role::server && frame.headers.cat == NGHTTP2_HCAT_REQUEST) {
    ++incoming_;
    Stream* stream = ended_ ? nullptr : owner_.begin_request();
    if (stream == nullptr) {
      nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, section_stream_, NGHTTP2_REFUSED_STREAM);
      return true;
    }
    nghttp2_session_set_stream_user_data(session_, section_stream_, stream);
    attach(*stream, section_stream_);
    stream->unserved_ = true;
    section_.emplace<RequestSection>().begin(stream->request_, stream->arena_, settings_.fields);
    return true;
  }
  Stream* stream = find(section_stream_);
  if (stream == nullptr) return true;
  if (role_ == Role::server || stream->final_head_) {
    section_.emplace<TrailerSection>().begin(stream->trailers_, stream->arena_, settings_.fields);
    return true;
  }
  bool direct = stream->wants_head_ && !stream->head_ready_ && stream->pending_heads_.empty();
  if (direct) {
    section_.emplace<ResponseSection>().begin(stream->response_, stream->arena_, settings_.fields);
    return true;
  }
  if (stream->pending_heads_.size() >= kMaxPendingHeads) return false;
  stream->pending_heads_.push_back(std::make_unique<Stream::PendingHead>());
  Stream::PendingHead& pending = *stream->pending_heads_.back();
  section_.emplace<ResponseSection>().begin(pending.head, pending.arena, settings_.fields);
  return true;
}

bool Connection::take_field(std::string_view name, std::string_view value, bool never_indexed) {
  std::uint64_t bytes = 0;
  if (auto* request = std::get_if<RequestSection>(&section_)) {
    request->take(name, value, never_indexed);
    bytes = request->bytes();
  } else if (auto* response = std::get_if<ResponseSection>(&section_)) {
    response->take(name, value, never_indexed);
    bytes = response->bytes();
  } else if (auto* trailers = std::get_if<TrailerSection>(&section_)) {
    trailers->take(name, value, never_indexed);
    bytes = trailers->bytes();
  }
  return bytes <= kAbsurdFieldBytes;
}

void Connection::end_headers(const nghttp2_frame& frame) {
  bool ends_stream = (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  Stream* stream = find(frame.hd.stream_id);
  section_stream_ = 0;
  if (stream != nullptr && std::holds_alternative<RequestSection>(section_)) {
    end_request(*stream, ends_stream);
  } else if (stream != nullptr && std::holds_alternative<ResponseSection>(section_)) {
    end_response(*stream, ends_stream);
  } else if (auto* trailers = std::get_if<TrailerSection>(&section_); stream != nullptr && trailers != nullptr) {
    FieldVerdict verdict = trailers->finish(ends_stream);
    if (verdict.kind == FieldVerdict::Kind::fine) {
      end_input(*stream);
    } else {
      break_stream(*stream, verdict.what);
    }
  }
  section_.emplace<std::monostate>();
}

// The stream is closed; nghttp2 tells nothing of what else comes of its section.
void Connection::leave_section(std::int32_t id) {
  if (section_stream_ != id) return;
  section_stream_ = 0;
  section_.emplace<std::monostate>();
  // The task that waits for the section's next piece now waits for whatever comes next.
  hurry_reader();
}

void Connection::end_request(Stream& stream, bool ends_stream) {
  FieldVerdict verdict = std::get<RequestSection>(section_).finish(ends_stream);
  if (verdict.kind == FieldVerdict::Kind::malformed) {
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream.id_, NGHTTP2_PROTOCOL_ERROR);
    detach(stream);
    stream.verdict_ = verdict;
    stream.arrived_ = true;
    return wake(stream);
  }
  stream.verdict_ = verdict;
  stream.input_ended_ = ends_stream;
  if (!ends_stream && stream.request_.body.kind == http::BodyFraming::Kind::length) {
    stream.expected_ = stream.request_.body.length;
  }
  stream.arrived_ = true;
  wake(stream);
}

void Connection::end_response(Stream& stream, bool ends_stream) {
  bool queued = !stream.pending_heads_.empty() && !stream.pending_heads_.back()->complete;
  http::ResponseHead& head = queued ? stream.pending_heads_.back()->head : stream.response_;
  FieldVerdict verdict = std::get<ResponseSection>(section_).finish(ends_stream, stream.request_.method);
  if (verdict.kind != FieldVerdict::Kind::fine) {
    if (queued) stream.pending_heads_.pop_back();
    return break_stream(stream, verdict.what, verdict.status == 431 ? ErrorCode::too_large : ErrorCode::protocol);
  }
  (queued ? stream.pending_heads_.back()->complete : stream.head_ready_) = true;
  stream.final_head_ = head.status >= 200;
  if (!ends_stream && stream.final_head_ && head.body.kind == http::BodyFraming::Kind::length) {
    stream.expected_ = head.body.length;
  }
  if (ends_stream) stream.input_ended_ = true;
  wake(stream);
}

// The peer broke a rule that concerns one stream only (RFC 9113 5.4.2).
void Connection::break_stream(Stream& stream, const char* what, ErrorCode code) {
  stream.reset(NGHTTP2_PROTOCOL_ERROR);
  stream.fail({.code = code, .side = peer_side(), .what = what});
  wake(stream);
}

void Connection::unsendable(Stream& stream) {
  stream.reset(NGHTTP2_INTERNAL_ERROR);
  stream.fail({.code = ErrorCode::too_large, .side = base::Side::ours, .what = "header or trailers beyond 64 KB"});
  wake(stream);
}

void Connection::take_data(Stream& stream, std::string_view bytes) {
  abuse_.useful();
  stream.received_ += bytes.size();
  if (role_ == Role::client && !stream.final_head_) {
    return break_stream(stream, "DATA before the response header (RFC 9113 8.1)");
  }
  if (stream.received_ > stream.expected_) {
    return break_stream(stream, "body longer than Content-Length (RFC 9113 8.1.1)");
  }
  stream.input_.append(bytes, stream.received_ > kLargeBody);
  if (stream.in_wait_ != nullptr) wake(stream);
}

void Connection::end_input(Stream& stream) {
  if (role_ == Role::client && !stream.final_head_) {
    return break_stream(stream, "the stream ended before the response header (RFC 9113 8.1)");
  }
  if (stream.expected_ != UINT64_MAX && stream.received_ != stream.expected_) {
    return break_stream(stream, "body shorter than Content-Length (RFC 9113 8.1.1)");
  }
  stream.input_ended_ = true;
  if (stream.in_wait_ != nullptr) wake(stream);
}

void Connection::on_closed(Stream& stream, std::uint32_t code) {
  // Only a server may want no more of a request that it has answered whole (RFC 9113 8.1). A client that closes a
  // stream with any code wants no more of the response.
  bool wants_no_more = role_ == Role::client && code == NGHTTP2_NO_ERROR;
  bool complete = stream.input_ended_ && (stream.output_ended_ || wants_no_more);
  detach(stream);
  if (stream.unserved_) {
    base::ListHook<Woken>& hook = stream;
    if (hook.linked()) woken_.remove(stream);
    return owner_.discard(stream);
  }
  if (!complete) {
    // RFC 9113 8.7: refused streams did nothing; so those above GOAWAY's last, which nghttp2 closes with this code.
    stream.fail({.code = ErrorCode::reset,
                 .side = peer_side(),
                 .retry_helps = code == NGHTTP2_REFUSED_STREAM,
                 .what = code == NGHTTP2_REFUSED_STREAM ? "the stream was refused" : "the stream was reset"});
  }
  wake(stream);
}

// A tenth of a second of a fast sender must not wait for the window: it grows while the consumer keeps up.
void Connection::consumed(Stream& stream, std::size_t bytes) {
  nghttp2_session_consume_stream(session_, stream.id_, bytes);
  stream.taken_since_growth_ += static_cast<std::uint32_t>(bytes);
  std::uint32_t window = stream.window_;
  if (stream.input_.empty() && !stream.input_ended_ && stream.taken_since_growth_ >= window &&
      window * 2 <= settings_.max_stream_window_bytes && growth_left_ >= window) {
    growth_left_ -= window;
    stream.window_ = window * 2;
    stream.taken_since_growth_ = 0;
    nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, stream.id_,
                                          static_cast<std::int32_t>(stream.window_));
  }
  mark_dirty();
}

bool Connection::takes_streams() const {
  return !ended_ && !shutting_down_ && !goaway_received_ && open_streams() < stream_limit() &&
         nghttp2_session_get_next_stream_id(session_) < kMaxStreamId;
}

std::uint32_t Connection::stream_limit() const {
  // Before its SETTINGS a server may mean fewer than nghttp2's guess.
  std::uint32_t theirs = nghttp2_session_get_remote_settings(session_, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
  if (!settings_received_) theirs = std::min<std::uint32_t>(theirs, 100);
  return std::min(theirs, settings_.max_streams);
}

bool Connection::peer_takes_extended_connect() const {
  return nghttp2_session_get_remote_settings(session_, NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL) == 1;
}

base::Result<void> Connection::open(Stream& stream, const FieldList& fields, bool last) {
  Error refused{.code = ErrorCode::reset, .side = peer_side(), .retry_helps = true, .what = "no more streams"};
  if (!takes_streams()) return std::unexpected(refused);
  nghttp2_data_provider provider = stream.body_source();
  std::int32_t id =
      nghttp2_submit_request(session_, nullptr, fields.data(), fields.size(), last ? nullptr : &provider, &stream);
  if (id < 0) return std::unexpected(refused);
  attach(stream, id);
  stream.output_ended_ = last;
  mark_dirty();
  return {};
}

ssize_t Connection::next_body_bytes(std::int32_t id, std::size_t most, std::uint32_t* flags) {
  Stream* stream = find(id);
  if (stream == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  if (stream->all_sent()) {
    stream->deferred_ = true;
    return NGHTTP2_ERR_DEFERRED;
  }
  constexpr std::size_t kFrameHeaderBytes = 9;
  std::size_t count = std::min({most, stream->out_.size(), room() - kFrameHeaderBytes});
  *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
  if (count == stream->out_.size() && stream->out_end_due_) {
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (const FieldList* trailers = stream->out_trailers_; trailers != nullptr) {
      *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
      nghttp2_submit_trailer(session_, id, trailers->data(), trailers->size());
    }
  }
  return static_cast<ssize_t>(count);
}

// The frame that next_body_bytes() has sized; there is room for it.
bool Connection::take_body_bytes(std::int32_t id, std::string_view frame_header, std::size_t count) {
  Stream* stream = find(id);
  if (stream == nullptr || count > stream->out_.size() || room() < frame_header.size() + count) return false;
  put(frame_header);
  put(stream->out_.substr(0, count));
  stream->out_.remove_prefix(count);
  stream->sent_at_ = net::Reactor::current().now();
  stream->sent_ += count;
  if (stream->out_.empty() && std::exchange(stream->out_end_due_, false)) stream->output_ended_ = true;
  if (stream->out_wait_ != nullptr && stream->all_sent()) wake(*stream);
  abuse_.useful();
  again_ = true;
  return true;
}

}  // namespace weir::http2
