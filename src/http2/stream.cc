#include "http2/stream.h"

#include "http2/connection.h"

namespace weir::http2 {

using base::ErrorCode;

bool StreamWait::await_ready() const { return stream_.is_ready(for_); }

void StreamWait::attach() {
  (for_ == For::sent ? stream_.out_wait_ : stream_.in_wait_) = this;
  net::Reactor& reactor = net::Reactor::current();
  if (for_ == For::sent) {
    stream_.sent_at_ = reactor.now();
    deadline_ = reactor.now() + patience_;
  }
  net::Tick expires = reactor.tick(deadline_);
  if (expires != net::kNever) reactor.timers().arm(*this, expires);
}

void StreamWait::detach() {
  (for_ == For::sent ? stream_.out_wait_ : stream_.in_wait_) = nullptr;
  net::Reactor::current().timers().disarm(*this);
}

void StreamWait::go() {
  detach();
  resume();
}

void StreamWait::cancel() {
  error_ = ErrorCode::cancelled;
  detach();
  resume_later();
}

void StreamWait::hurry(base::TimePoint deadline) {
  if (deadline >= deadline_) return;
  deadline_ = deadline;
  net::Reactor& reactor = net::Reactor::current();
  reactor.timers().arm(*this, reactor.tick(deadline));
}

void StreamWait::on_timer() {
  net::Reactor& reactor = net::Reactor::current();
  if (for_ == For::sent && stream_.sent_at_ + patience_ > reactor.now()) {
    return reactor.timers().arm(*this, reactor.tick(stream_.sent_at_ + patience_));
  }
  // The socket is what holds it up, not the window of the stream: the connection's write finds out who takes nothing.
  Connection* connection = stream_.connection();
  if (for_ == For::sent && connection != nullptr && connection->has_written_for(patience_ / 2)) {
    return reactor.timers().arm(*this, reactor.tick(reactor.now() + patience_));
  }
  error_ = ErrorCode::timeout;
  detach();
  resume();
}

Stream::~Stream() {
  WEIR_ASSERT(in_wait_ == nullptr && out_wait_ == nullptr);
  leave();
  base::ListHook<Woken>& hook = *this;
  if (hook.linked()) woken_in_->remove(*this);
}

void Stream::leave() {
  if (connection_ == nullptr) return;
  forget_output();
  if (input_ended_ && output_ended_) return connection_->detach(*this);
  // A whole answer to a request that was not read to its end: the rest of it is of no interest (RFC 9113 8.1).
  bool answered = output_ended_ && connection_->role_ == Role::server;
  if (!answered) return reset(NGHTTP2_CANCEL);
  // For nghttp2 a stream that is to be reset sends nothing more: the answer goes first (Callbacks::on_frame_send).
  bool sent = nghttp2_session_get_stream_local_close(connection_->session_, id_) == 1;
  if (sent) return reset(NGHTTP2_NO_ERROR);
  connection_->detach(*this);
}

bool Stream::may_send() const {
  return connection_ != nullptr && nghttp2_session_get_stream_remote_window_size(connection_->session_, id_) > 0;
}

void Stream::cut(const base::Error& error) {
  Connection* connection = connection_;
  if (connection == nullptr) return;
  reset(NGHTTP2_CANCEL);
  fail(error);
  connection->wake(*this);
}

void Stream::fail(const base::Error& error) {
  if (!error_) error_ = error;
  forget_output();
}

void Stream::reset(std::uint32_t code) {
  if (connection_ == nullptr) return;
  Connection& connection = *connection_;
  nghttp2_submit_rst_stream(connection.session_, NGHTTP2_FLAG_NONE, id_, code);
  connection.detach(*this);
  forget_output();
  connection.mark_dirty();
}

base::Result<void> Stream::take_head() {
  if (!head_ready_ && has_pending_head()) {
    const http::ResponseHead& from = pending_heads_.front()->head;
    response_.clear();
    response_.version = from.version;
    response_.status = from.status;
    response_.body = from.body;
    for (http::HeaderField field : from.headers) {
      if (field.id == http::HeaderId::other) field.name = arena_.copy(field.name);
      field.value = arena_.copy(field.value);
      response_.headers.add(field);
    }
    pending_heads_.erase(pending_heads_.begin());
    head_ready_ = true;
  }
  if (!head_ready_) {
    base::Error closed{
        .code = ErrorCode::closed, .side = base::Side::backend, .what = "the stream ended without a response header"};
    return std::unexpected(error_.value_or(closed));
  }
  head_ready_ = wants_head_ = false;
  return {};
}

base::Result<http::BodyPiece> Stream::take() {
  if (in_hand_ > 0) {
    std::size_t used = std::exchange(in_hand_, 0);
    input_.drop(used);
    if (connection_ != nullptr) connection_->consumed(*this, used);
  }
  return peek();
}

base::Result<http::BodyPiece> Stream::peek() {
  if (in_hand_ > 0) {
    return http::BodyPiece{.data = input_.front().substr(0, in_hand_),
                           .last = input_ended_ && in_hand_ == input_.size()};
  }
  if (!input_.empty()) {
    std::string_view front = input_.front();
    in_hand_ = front.size();
    return http::BodyPiece{.data = front, .last = input_ended_ && in_hand_ == input_.size()};
  }
  if (input_ended_) return http::BodyPiece{.data = {}, .last = true};
  if (error_) return std::unexpected(*error_);
  return http::BodyPiece{};
}

nghttp2_data_provider Stream::body_source() {
  nghttp2_data_provider provider{};
  provider.read_callback = [](nghttp2_session*, std::int32_t id, std::uint8_t*, std::size_t most, std::uint32_t* flags,
                              nghttp2_data_source*, void* user) -> ssize_t {
    return static_cast<Connection*>(user)->next_body_bytes(id, most, flags);
  };
  return provider;
}

void Stream::send_head(const FieldList& fields, bool last, bool interim) {
  if (connection_ == nullptr) return;
  nghttp2_session* session = connection_->session_;
  if (interim) {
    nghttp2_submit_headers(session, NGHTTP2_FLAG_NONE, id_, nullptr, fields.data(), fields.size(), nullptr);
  } else if (last) {
    nghttp2_submit_response(session, id_, fields.data(), fields.size(), nullptr);
    output_ended_ = true;
  } else {
    nghttp2_data_provider provider = body_source();
    nghttp2_submit_response(session, id_, fields.data(), fields.size(), &provider);
  }
  connection_->mark_dirty();
}

void Stream::send(std::string_view bytes, bool last, const FieldList* trailers) {
  if (connection_ == nullptr) return;
  if (bytes.empty() && !last) return;
  Connection& connection = *connection_;
  if (bytes.empty() && trailers != nullptr && deferred_) {
    // Nothing of the body is left: the trailers go out at once, without an empty frame before them.
    nghttp2_submit_trailer(connection.session_, id_, trailers->data(), trailers->size());
    output_ended_ = true;
    return connection.mark_dirty();
  }
  out_ = bytes;
  out_end_due_ = last;
  out_trailers_ = trailers;
  if (std::exchange(deferred_, false)) nghttp2_session_resume_data(connection.session_, id_);
  connection.pump();
}

}  // namespace weir::http2
