#include "http2/connection.h"

#include <algorithm>
#include <array>
#include <new>

#include "base/out_of_memory.h"
#include "http2/callbacks.h"
#include "http2/memory.h"
#include "net/cancel_at.h"

namespace weir::http2 {

using base::Error;
using base::ErrorCode;

namespace {

// The peer has so long to answer the notice of the end, and to close once it has taken everything.
constexpr auto kGoodbye = std::chrono::seconds(1);
// Frames are taken in such pieces, between which everything else may have its turn.
constexpr std::size_t kPieceBytes = 16 * 1024;
// Bodies, which peers send in large pieces, have fewer frames than that in one piece.
constexpr std::uint32_t kFewFrames = 32;
// Frames that wait behind a write that makes no progress; with more of them nothing is read that could ask for more.
constexpr std::size_t kMaxOwed = 64;
constexpr auto kDrainPause = std::chrono::milliseconds(20);

}  // namespace

Connection::Connection(Role role, Shared& shared, const Settings& settings, net::TcpStream& stream,
                       ConnectionOwner& owner)
    : role_(role),
      shared_(shared),
      settings_(settings),
      stream_(stream),
      owner_(owner),
      abuse_(settings.max_resets),
      scan_(NGHTTP2_CLIENT_MAGIC_LEN),
      growth_left_(settings.growth_bytes) {
  began_ = idle_since_ = net::Reactor::current().now();
  int made = role == Role::server
                 ? nghttp2_session_server_new3(&session_, callbacks(), this, shared.server_options(), memory())
                 : nghttp2_session_client_new3(&session_, callbacks(), this, shared.client_options(), memory());
  if (made == NGHTTP2_ERR_NOMEM) throw std::bad_alloc();
  WEIR_ASSERT(made == 0);
  start();
}

Connection::~Connection() {
  WEIR_ASSERT(opened_.empty());
  net::Reactor::current().forget(*this);
  nghttp2_session_del(session_);
}

void Connection::start() {
  std::array<nghttp2_settings_entry, 6> entries;
  std::size_t count = 0;
  if (role_ == Role::server) {
    entries[count++] = {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, settings_.max_streams};
    if (settings_.extended_connect) entries[count++] = {NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1};
  } else {
    entries[count++] = {NGHTTP2_SETTINGS_ENABLE_PUSH, 0};
  }
  entries[count++] = {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, settings_.fields.bytes};
  if (settings_.stream_window_bytes != NGHTTP2_INITIAL_WINDOW_SIZE) {
    entries[count++] = {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, settings_.stream_window_bytes};
  }
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, entries.data(), count);
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0,
                                        static_cast<std::int32_t>(settings_.connection_window_bytes));
  mark_dirty();
}

net::Task<void> Connection::run() {
  // Without memory it ends as a connection that has broken: its streams and its writer end with it.
  net::TaskGroup writer;
  try {
    writer.spawn(write_loop());
    co_await read_loop();
  } catch (const std::bad_alloc&) {
    failure_ = base::kOutOfMemory;
    failed_ = true;
    stream_.shut_down();
  }
  fail_streams();
  run_woken();
  while (!woken_.empty()) {
    co_await net::yield();
    run_woken();
  }
  try {
    co_await close_down(writer);
  } catch (const std::bad_alloc&) {
    stream_.shut_down();
  }
  writer.cancel();
  co_await writer.join();
}

base::TimePoint Connection::read_deadline() const {
  if (shutting_down_ && final_goaway_ && open_streams() == 0) return began_;
  if (shutting_down_ && !final_goaway_ && (open_streams() == 0 || role_ == Role::server)) {
    return shut_down_at_ + kGoodbye;
  }
  if (section_stream_ != 0) return section_began_ + settings_.header_timeout;
  if (!settings_received_) return began_ + settings_.header_timeout;
  if (open_streams() == 0) return idle_since_ + settings_.idle_timeout;
  return base::TimePoint::max();
}

// True when waiting goes on.
bool Connection::on_read_timeout() {
  base::TimePoint now = net::Reactor::current().now();
  if (read_deadline() > now) return true;
  if (shutting_down_ && !final_goaway_) {
    // The peer has not said that it has heard the notice: it waits no longer for those who never do.
    send_final_goaway();
    return true;
  }
  if (shutting_down_ && open_streams() == 0) {
    ended_ = true;
    return false;
  }
  if (section_stream_ == 0 && settings_received_ && is_taking()) {
    idle_since_ = now;
    return true;
  }
  terminate(section_stream_ != 0 || !settings_received_ ? NGHTTP2_PROTOCOL_ERROR : NGHTTP2_NO_ERROR);
  return false;
}

// Whether the peer has still something of ours to take, and goes on with it: the streams have ended long before their
// last bytes are there.
bool Connection::is_taking() {
  std::size_t left = out_end_ - out_begin_ + stream_.untaken_bytes();
  base::TimePoint now = net::Reactor::current().now();
  if (untaken_ == 0 || left < untaken_) {
    untaken_ = left;
    taken_at_ = now;
  }
  return left > 0 && now - taken_at_ < settings_.write_timeout;
}

// A peer that breaks no rule is given the time to take what it has asked for.
bool Connection::ends_in_order() const {
  return role_ == Role::server && !failure_ && (shutting_down_ || goaway_received_);
}

// The client has us answer (PING, SETTINGS, resets) and takes none of it. To a backend, what waits are requests: ours.
bool Connection::owes_too_much() const {
  return role_ == Role::server && writing_ && !shutting_down_ &&
         nghttp2_session_get_outbound_queue_size(session_) > kMaxOwed;
}

net::Task<void> Connection::read_loop() {
  run_woken();
  bool large = false;
  while (!ended_) {
    if (owes_too_much()) {
      // The writer has a deadline.
      base::Result<void> slept = co_await net::sleep_for(kDrainPause);
      if (slept) continue;
      failure_ = slept.error();
      break;
    }
    base::Result<void> ready = co_await stream_.wait_readable(read_deadline());
    if (ended_) break;
    if (!ready && ready.error().code == ErrorCode::timeout && on_read_timeout()) continue;
    if (!ready) {
      if (!ended_) failure_ = ready.error();
      break;
    }
    base::Buffer buffer = large ? base::Buffer::large() : base::Buffer::small();
    do {
      base::Result<std::size_t> got =
          co_await stream_.read({buffer.data(), buffer.capacity()}, net::Reactor::current().now() + kGoodbye);
      // Ready for nothing: what made it so was not for us.
      if (!got && got.error().code == ErrorCode::timeout) break;
      if (!got || *got == 0) {
        Error closed{.code = ErrorCode::closed, .what = "the connection was closed"};
        failure_ = got ? closed : got.error();
        ended_ = failed_ = true;
        break;
      }
      std::uint32_t frames_before = frames_;
      for (std::string_view left(buffer.data(), *got); !left.empty() && !ended_;) {
        std::string_view piece = left.substr(0, kPieceBytes);
        left.remove_prefix(piece.size());
        receive(piece);
        run_woken();
        if (!left.empty()) co_await net::TurnEnd();
      }
      large = *got == buffer.capacity() && frames_ - frames_before < kFewFrames;
    } while (!ended_ && stream_.descriptor().readable && !owes_too_much());
  }
}

// nghttp2 says nothing of DATA for closed streams. Such a frame is judged by what was before it, which goes in first.
ssize_t Connection::take_in(std::string_view bytes) {
  auto feed = [this](std::string_view piece) {
    return nghttp2_session_mem_recv(session_, reinterpret_cast<const std::uint8_t*>(piece.data()), piece.size());
  };
  if (role_ == Role::client) return feed(bytes);
  std::size_t fed = 0;
  std::size_t at = 0;
  bool may_have_closed = false;
  while (at < bytes.size()) {
    std::optional<FrameScan::Frame> frame;
    at += scan_.next(bytes.substr(at), frame);
    if (!frame) break;
    bool is_data = frame->type == NGHTTP2_DATA;
    if (is_data && (may_have_closed || nghttp2_session_find_stream(session_, frame->stream) == nullptr)) {
      // The header may have begun in an earlier piece.
      std::size_t begin = std::max(fed, at - std::min(at, FrameScan::kHeaderBytes));
      ssize_t used = feed(bytes.substr(fed, begin - fed));
      if (used < 0) return used;
      fed = begin;
      may_have_closed = false;
      check_late_frame(frame->stream);
    }
    bool ends = (is_data || frame->type == NGHTTP2_HEADERS) && (frame->flags & NGHTTP2_FLAG_END_STREAM) != 0;
    may_have_closed |= ends || frame->type == NGHTTP2_RST_STREAM;
  }
  return feed(bytes.substr(fed));
}

void Connection::receive(std::string_view bytes) {
  bytes_read_ += bytes.size();
  ssize_t used = take_in(bytes);
  if (used < 0) {
    if (used == NGHTTP2_ERR_BAD_CLIENT_MAGIC) {
      terminate(NGHTTP2_PROTOCOL_ERROR);
      failure_ = Error{
          .code = ErrorCode::protocol, .side = peer_side(), .what = "malformed connection preface (RFC 9113 3.4)"};
    } else if (!ended_) {
      // Floods that nghttp2 counts itself (outbound acknowledgements, CONTINUATION) and those of charge().
      calm_down();
    }
  } else if (abuse_.take_bytes(bytes.size()) && !ended_) {
    calm_down();
  } else {
    // An error that nghttp2 finds in the connection ends in a GOAWAY of its own.
    if (nghttp2_session_want_read(session_) == 0) ended_ = true;
    mark_dirty();
  }
  if (streams_changed_) {
    streams_changed_ = false;
    owner_.on_streams_changed();
  }
}

// GOAWAY with ENHANCE_YOUR_CALM (RFC 9113 10.5), whatever state nghttp2 is in: what it still wanted to send is dropped.
void Connection::calm_down() {
  std::array<char, 17> frame{0, 0, 8, NGHTTP2_GOAWAY, 0, 0, 0, 0, 0};
  auto last = static_cast<std::uint32_t>(nghttp2_session_get_last_proc_stream_id(session_));
  for (int i = 0; i < 4; ++i) {
    frame[9 + i] = static_cast<char>(last >> (24 - 8 * i));
    frame[13 + i] = static_cast<char>(std::uint32_t{NGHTTP2_ENHANCE_YOUR_CALM} >> (24 - 8 * i));
  }
  ended_ = muted_ = true;
  stream_.descriptor().hurry_reader(0);
  failure_ = Error{.code = ErrorCode::protocol,
                   .side = peer_side(),
                   .what = "a flood of frames that cost more than they carry (RFC 9113 10.5)"};
  if (!pending_.empty()) {
    // Not in the middle of a frame.
    if (!make_room() || room() < pending_.size()) return;
    put(std::exchange(pending_, {}));
  }
  if (!make_room() || room() < frame.size()) return;
  put({frame.data(), frame.size()});
  mark_dirty();
}

void Connection::terminate(std::uint32_t code) {
  if (ended_) return;
  nghttp2_session_terminate_session(session_, code);
  pump();
  ended_ = true;
  stream_.descriptor().hurry_reader(0);
}

void Connection::shut_down() {
  if (shutting_down_ || ended_) return;
  shutting_down_ = true;
  shut_down_at_ = net::Reactor::current().now();
  if (role_ == Role::client) {
    // Opening no more streams is enough; servers that see a GOAWAY while streams are open may break them.
    if (opened_.empty()) send_final_goaway();
  } else {
    // The client may be sending requests: the ping's answer says that it has heard (RFC 9113 6.8).
    nghttp2_submit_shutdown_notice(session_);
    nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr);
  }
  hurry_reader();
  mark_dirty();
}

void Connection::send_final_goaway() {
  if (std::exchange(final_goaway_, true)) return;
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(session_),
                        NGHTTP2_NO_ERROR, nullptr, 0);
  if (open_streams() == 0) hurry_reader();
  mark_dirty();
}

// The reader looks at its deadline again.
void Connection::hurry_reader() {
  net::Reactor& reactor = net::Reactor::current();
  stream_.descriptor().hurry_reader(reactor.tick(std::max(read_deadline(), reactor.now())));
}

void Connection::fail_streams() {
  ended_ = true;
  Error error = failure_.value_or(Error{.code = ErrorCode::closed, .what = "the connection has ended"});
  error.side = peer_side();
  while (Stream* stream = opened_.front()) {
    detach(*stream);
    if (stream->unserved_) {
      base::ListHook<Woken>& hook = *stream;
      if (hook.linked()) woken_.remove(*stream);
      owner_.discard(*stream);
    } else {
      stream->lost_connection_ = true;
      stream->fail(error);
      wake(*stream);
    }
  }
}

// Lets the peer take the last frames, then waits a moment for it to close first: a close with bytes unread would be a
// reset, and so is the answer to whatever comes after it. Either makes the kernel throw away what was not taken yet.
net::Task<void> Connection::close_down(net::TaskGroup& writer) {
  bool patient = ends_in_order();
  base::TimePoint deadline = net::Reactor::current().now() + kGoodbye;
  if (failed_) {
    writer.cancel();
  } else {
    pump();
    finishing_ = true;
    mark_dirty();
  }
  {
    // The writer has a deadline of its own.
    std::optional<net::CancelAt> late;
    if (!patient) late.emplace(writer, deadline);
    co_await writer.join();
  }
  if (failed_) co_return;
  if (patient && stream_.is_filtered()) {
    stream_.announce_end();
    static_cast<void>(co_await stream_.write(std::string_view(), settings_.write_timeout));
  }
  stream_.finish_writing();
  untaken_ = 0;
  if (patient) deadline = net::Reactor::current().now() + kGoodbye;
  while (true) {
    base::Result<void> ready = co_await stream_.wait_readable(deadline);
    if (ready) {
      base::Buffer buffer = base::Buffer::small();
      base::Result<std::size_t> got = co_await stream_.read({buffer.data(), buffer.capacity()}, deadline);
      if (got ? *got == 0 : got.error().code != ErrorCode::timeout) break;
    } else if (ready.error().code != ErrorCode::timeout) {
      break;
    }
    if (net::Reactor::current().now() >= deadline) {
      if (!patient || !is_taking()) break;
      deadline = net::Reactor::current().now() + kGoodbye;
    }
  }
}

}  // namespace weir::http2
