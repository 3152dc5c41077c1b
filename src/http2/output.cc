// The output of an HTTP/2 connection: frames are gathered in one buffer and leave at the end of the reactor's round.
#include <algorithm>
#include <cstring>
#include <new>

#include "base/out_of_memory.h"
#include "http2/connection.h"

namespace weir::http2 {

namespace {

// A frame is begun only where it has so much room: less would be many small DATA frames.
constexpr std::size_t kMinRoom = 2048;

}  // namespace

// The writing coroutine while there is nothing to write.
class Connection::WriterWait final : public net::Suspension<net::Wait> {
 public:
  explicit WriterWait(Connection& connection) : connection_(connection) {}
  bool await_ready() const { return connection_.has_output() || connection_.finishing_; }
  template <typename Promise>
  bool await_suspend(std::coroutine_handle<Promise> handle) {
    if (!suspend(handle)) {
      cancelled_ = true;
      return false;
    }
    connection_.writer_wait_ = this;
    return true;
  }
  bool await_resume() const { return !cancelled_; }
  void go() {
    connection_.writer_wait_ = nullptr;
    resume();
  }
  void cancel() override {
    cancelled_ = true;
    connection_.writer_wait_ = nullptr;
    resume_later();
  }

 private:
  Connection& connection_;
  bool cancelled_ = false;
};

net::Task<void> Connection::write_loop() {
  while (true) {
    WriterWait wait(*this);
    bool on = co_await wait;
    if (!on || (finishing_ && !has_output())) co_return;
    std::size_t end = out_end_;
    std::string_view bytes(out_.data() + out_begin_, end - out_begin_);
    writing_ = true;
    write_began_ = net::Reactor::current().now();
    base::Result<void> written = co_await stream_.write(bytes, settings_.write_timeout);
    writing_ = false;
    if (!written) {
      if (!failure_) failure_ = written.error();
      ended_ = failed_ = true;
      // The reader finds the end and tells the streams.
      stream_.shut_down();
      co_return;
    }
    bytes_written_ += bytes.size();
    out_begin_ = end;
    if (out_begin_ == out_end_) {
      out_begin_ = out_end_ = 0;
      pump();
      run_woken();
      if (!has_output() && !finishing_) out_.release();
    }
  }
}

void Connection::mark_dirty() { net::Reactor::current().run_at_round_end(*this); }

void Connection::at_round_end() {
  run_woken();
  pump();
  run_woken();
  if (streams_changed_) {
    streams_changed_ = false;
    owner_.on_streams_changed();
  }
  if (writer_wait_ != nullptr && (has_output() || finishing_)) {
    writer_wait_->go();
  } else if (!writing_ && !has_output()) {
    out_.release();
  }
}

bool Connection::make_room() {
  if (!out_) {
    try {
      out_ = base::Buffer::small();
      out_begin_ = out_end_ = 0;
    } catch (const std::bad_alloc&) {
      // The reader finds the end and tells the streams.
      if (!failure_) failure_ = base::kOutOfMemory;
      ended_ = failed_ = true;
      stream_.shut_down();
      return false;
    }
  }
  if (room() >= kMinRoom) return true;
  // Bytes under way stay where they are.
  if (writing_) return false;
  if (out_begin_ > 0) {
    std::memmove(out_.data(), out_.data() + out_begin_, out_end_ - out_begin_);
    out_end_ -= out_begin_;
    out_begin_ = 0;
  }
  if (room() < kMinRoom && out_.capacity() < base::kLargeBufferBytes) {
    try {
      base::Buffer large = base::Buffer::large();
      std::memcpy(large.data(), out_.data(), out_end_);
      out_ = std::move(large);
    } catch (const std::bad_alloc&) {
      // The bytes in the small buffer leave first.
    }
  }
  return room() >= kMinRoom;
}

void Connection::put(std::string_view bytes) {
  if (bytes.empty()) return;  // of an empty DATA frame there may be no address
  std::memcpy(out_.data() + out_end_, bytes.data(), bytes.size());
  out_end_ += bytes.size();
}

// Has nghttp2 make frames while there is room for them. Never inside a call of nghttp2's.
void Connection::pump() {
  if (pumping_ || muted_ || failed_) return;
  pumping_ = true;
  while (make_room()) {
    if (!pending_.empty()) {
      std::size_t count = std::min(room(), pending_.size());
      put(pending_.substr(0, count));
      pending_.remove_prefix(count);
      continue;
    }
    again_ = false;
    const std::uint8_t* data = nullptr;
    ssize_t made = nghttp2_session_mem_send(session_, &data);
    if (made > 0) {
      pending_ = {reinterpret_cast<const char*>(data), static_cast<std::size_t>(made)};
      continue;
    }
    if (made < 0) {
      calm_down();
      break;
    }
    if (!again_) break;
  }
  pumping_ = false;
  if (!ended_ && nghttp2_session_want_read(session_) == 0 && nghttp2_session_want_write(session_) == 0) {
    // A GOAWAY of nghttp2's own making is out.
    ended_ = true;
    stream_.descriptor().hurry_reader(0);
  }
  if (has_output()) mark_dirty();
}

void Connection::wake(Stream& stream) {
  base::ListHook<Woken>& hook = stream;
  if (!hook.linked()) woken_.push_back(stream);
  mark_dirty();
}

// Gives every stream that can go on its turn, here and now: only from the top of the reactor's round, never from
// inside what a stream asked for. Those for which this turn has no time left go on at the end of the round.
void Connection::run_woken() {
  if (running_woken_) return;
  running_woken_ = true;
  while (!woken_.empty() && !net::Turn::is_over()) {
    Stream* stream = woken_.pop_front();
    net::Turn::spend(net::Turn::kStream);
    if (stream->arrived_) {
      stream->arrived_ = stream->unserved_ = false;
      try {
        owner_.serve(*stream, stream->verdict_);
      } catch (const std::bad_alloc&) {
        stream->reset(NGHTTP2_REFUSED_STREAM);
        owner_.discard(*stream);
      }
      continue;
    }
    bool is_cut_off = stream->error_ || (!stream->is_open() && !stream->output_ended_);
    if (is_cut_off && stream->break_context_ != nullptr) std::exchange(stream->break_context_, nullptr)->cancel();
    bool in = stream->in_wait_ != nullptr && stream->is_ready(stream->in_wait_->for_);
    bool out = stream->out_wait_ != nullptr && stream->is_ready(StreamWait::For::sent);
    // The task that goes on may destroy the stream.
    if (in && out) woken_.push_back(*stream);
    if (in) {
      stream->in_wait_->go();
    } else if (out) {
      stream->out_wait_->go();
    }
  }
  running_woken_ = false;
  if (!woken_.empty()) mark_dirty();
}

}  // namespace weir::http2
