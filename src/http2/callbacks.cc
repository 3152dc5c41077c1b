#include "http2/callbacks.h"

#include <memory>
#include <new>

#include "http2/connection.h"

namespace weir::http2 {

using AbuseKind = Abuse::Kind;

namespace {

std::string_view text(const std::uint8_t* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

// nghttp2 is C: no exception passes through it.
template <auto callback>
struct Guarded;
template <typename... Arguments, int (*callback)(Arguments...)>
struct Guarded<callback> {
  static int call(Arguments... arguments) {
    try {
      return callback(arguments...);
    } catch (const std::bad_alloc&) {
      return NGHTTP2_ERR_CALLBACK_FAILURE;
    }
  }
};

Connection& of(void* user) { return *static_cast<Connection*>(user); }

}  // namespace

// A connection ends when one of these fails: nghttp2 tells receive() or pump(), which asks the peer to calm down.
struct Callbacks {
  static int on_begin_frame(nghttp2_session*, const nghttp2_frame_hd* hd, void* user) {
    Connection& connection = of(user);
    bool too_many = false;
    if (hd->type != NGHTTP2_DATA) {
      ++connection.frames_;
      net::Turn::spend(net::Turn::kFrame);
    }
    switch (hd->type) {
      case NGHTTP2_DATA:
        if (hd->length == 0 && (hd->flags & NGHTTP2_FLAG_END_STREAM) == 0)
          too_many = connection.charge(AbuseKind::empty);
        break;
      case NGHTTP2_HEADERS:
        if (hd->length == 0) too_many = connection.charge(AbuseKind::empty);
        connection.check_late_frame(hd->stream_id);
        if (connection.is_stream_too_many(hd->stream_id)) too_many = true;
        break;
      case NGHTTP2_SETTINGS:
        if ((hd->flags & NGHTTP2_FLAG_ACK) == 0) too_many = connection.charge(AbuseKind::settings);
        break;
      case NGHTTP2_PING:
        too_many = connection.charge(AbuseKind::ping);
        break;
      case NGHTTP2_PRIORITY:
      case NGHTTP2_RST_STREAM:
        too_many = connection.charge(AbuseKind::priority);
        break;
      case NGHTTP2_WINDOW_UPDATE:
        too_many = connection.charge(AbuseKind::window_update);
        break;
      default:
        too_many = connection.charge(AbuseKind::unknown);
        break;
    }
    return too_many ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
  }

  static int on_begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    return of(user).begin_headers(*frame) ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
  }

  static int on_header(nghttp2_session*, const nghttp2_frame*, const std::uint8_t* name, std::size_t name_size,
                       const std::uint8_t* value, std::size_t value_size, std::uint8_t flags, void* user) {
    bool never_indexed = (flags & NGHTTP2_NV_FLAG_NO_INDEX) != 0;
    bool taken = of(user).take_field(text(name, name_size), text(value, value_size), never_indexed);
    return taken ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
  }

  static int on_frame_recv(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    Connection& connection = of(user);
    switch (frame->hd.type) {
      case NGHTTP2_HEADERS:
        connection.end_headers(*frame);
        break;
      case NGHTTP2_DATA:
        if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
          if (Stream* stream = connection.find(frame->hd.stream_id)) connection.end_input(*stream);
        }
        break;
      case NGHTTP2_RST_STREAM:
        if (connection.role_ == Role::client) break;
        connection.resets_.received(frame->hd.stream_id);
        // The reset of a stream that was at work; nghttp2 closes it right after this.
        if (connection.find(frame->hd.stream_id) != nullptr && connection.charge(AbuseKind::reset)) {
          return NGHTTP2_ERR_CALLBACK_FAILURE;
        }
        break;
      case NGHTTP2_SETTINGS:
        if ((frame->hd.flags & NGHTTP2_FLAG_ACK) == 0) {
          connection.settings_received_ = true;
          connection.streams_changed_ = true;
        } else {
          connection.settings_acked_ = true;
        }
        break;
      case NGHTTP2_PING:
        if ((frame->hd.flags & NGHTTP2_FLAG_ACK) != 0 && connection.shutting_down_) connection.send_final_goaway();
        break;
      case NGHTTP2_GOAWAY:
        connection.goaway_received_ = true;
        connection.streams_changed_ = true;
        break;
      default:
        break;
    }
    return 0;
  }

  static int on_data(nghttp2_session* session, std::uint8_t, std::int32_t id, const std::uint8_t* data,
                     std::size_t size, void* user) {
    Connection& connection = of(user);
    // The connection's window is no bound on memory: those of the streams are. So one that stalls holds up no other.
    nghttp2_session_consume_connection(session, size);
    if (Stream* stream = connection.find(id)) connection.take_data(*stream, text(data, size));
    return 0;
  }

  static int on_stream_close(nghttp2_session*, std::int32_t id, std::uint32_t code, void* user) {
    Connection& connection = of(user);
    if (connection.incoming_ > 0) --connection.incoming_;
    connection.leave_section(id);
    if (Stream* stream = connection.find(id)) connection.on_closed(*stream, code);
    return 0;
  }

  // Resets that the client makes us send cost what those it sends itself cost.
  static int on_frame_send(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
    Connection& connection = of(user);
    bool ends = (frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA) &&
                (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (ends && connection.role_ == Role::server && connection.find(frame->hd.stream_id) == nullptr &&
        nghttp2_session_get_stream_remote_close(session, frame->hd.stream_id) == 0) {
      // The whole answer to a request that nobody reads to its end (Stream::leave).
      nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id, NGHTTP2_NO_ERROR);
      return 0;
    }
    if (frame->hd.type != NGHTTP2_RST_STREAM || connection.role_ != Role::server) return 0;
    connection.resets_.sent(frame->hd.stream_id, net::Reactor::current().now());
    std::uint32_t code = frame->rst_stream.error_code;
    bool ours = code == NGHTTP2_NO_ERROR || code == NGHTTP2_CANCEL || code == NGHTTP2_INTERNAL_ERROR;
    return !ours && connection.charge(AbuseKind::reset) ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
  }

  // Frames that nghttp2 has dropped: without its head or trailers a stream would never end.
  static int on_frame_not_sent(nghttp2_session*, const nghttp2_frame* frame, int error, void* user) {
    Connection& connection = of(user);
    Stream* stream = frame->hd.type == NGHTTP2_HEADERS ? connection.find(frame->hd.stream_id) : nullptr;
    if (stream != nullptr && error == NGHTTP2_ERR_FRAME_SIZE_ERROR) {
      connection.unsendable(*stream);
    }
    return 0;
  }

  static int send_data(nghttp2_session*, nghttp2_frame* frame, const std::uint8_t* header, std::size_t size,
                       nghttp2_data_source*, void* user) {
    constexpr std::size_t kFrameHeaderBytes = 9;
    bool taken = of(user).take_body_bytes(frame->hd.stream_id, text(header, kFrameHeaderBytes), size);
    // One frame at a time: pump() looks for room again.
    return taken ? NGHTTP2_ERR_PAUSE : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }
};

namespace {

nghttp2_session_callbacks* make_callbacks() {
  nghttp2_session_callbacks* callbacks = nullptr;
  if (nghttp2_session_callbacks_new(&callbacks) != 0) throw std::bad_alloc();
  nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, Guarded<Callbacks::on_begin_frame>::call);
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, Guarded<Callbacks::on_begin_headers>::call);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, Guarded<Callbacks::on_header>::call);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, Guarded<Callbacks::on_frame_recv>::call);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, Guarded<Callbacks::on_data>::call);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, Guarded<Callbacks::on_stream_close>::call);
  nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, Guarded<Callbacks::on_frame_send>::call);
  nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks, Guarded<Callbacks::on_frame_not_sent>::call);
  nghttp2_session_callbacks_set_send_data_callback(callbacks, Guarded<Callbacks::send_data>::call);
  return callbacks;
}

struct Delete {
  void operator()(nghttp2_session_callbacks* callbacks) const { nghttp2_session_callbacks_del(callbacks); }
};

}  // namespace

const nghttp2_session_callbacks* callbacks() {
  static const std::unique_ptr<nghttp2_session_callbacks, Delete> made(make_callbacks());
  return made.get();
}

}  // namespace weir::http2
