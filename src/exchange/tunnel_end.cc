#include "exchange/tunnel_end.h"

namespace weir::exchange {

using base::ErrorCode;

net::Task<base::Result<std::string_view>> ConnectionEnd::read(base::TimePoint deadline) {
  buffer_.release();
  base::Result<void> ready = co_await stream_.wait_readable(deadline);
  if (!ready) co_return std::unexpected(ready.error());
  buffer_ = base::Buffer::small();
  base::Result<std::size_t> got = co_await stream_.read({buffer_.data(), buffer_.capacity()}, deadline);
  if (!got) co_return std::unexpected(got.error());
  co_return std::string_view(buffer_.data(), *got);
}

std::optional<base::Error> ConnectionEnd::broken() const {
  if (!stream_.is_broken()) return std::nullopt;
  return base::Error{.code = ErrorCode::reset, .what = "the connection was reset"};
}

net::Task<base::Result<std::string_view>> StreamEnd::read(base::TimePoint deadline) {
  while (true) {
    base::Result<http::BodyPiece> piece = stream_.take();
    if (!piece) co_return std::unexpected(piece.error());
    if (!piece->data.empty() || piece->last) co_return piece->data;
    base::Result<void> waited = co_await stream_.wait_input(deadline);
    if (!waited) co_return std::unexpected(waited.error());
  }
}

net::Task<base::Result<void>> StreamEnd::write(std::string_view bytes, base::Nanoseconds patience) {
  stream_.send(bytes, false);
  base::Result<void> waited = co_await stream_.wait_sent(patience);
  if (!waited) co_return waited;
  if (stream_.error()) co_return std::unexpected(*stream_.error());
  if (!stream_.is_open()) co_return base::fail(ErrorCode::reset, "the stream has ended");
  co_return base::Result<void>();
}

std::optional<base::Error> StreamEnd::broken() const {
  if (stream_.error()) return stream_.error();
  if (stream_.is_open()) return std::nullopt;
  return base::Error{.code = ErrorCode::closed, .what = "the stream has ended"};
}

void StreamEnd::shut_down() { stream_.cut({.code = ErrorCode::closed, .what = "the tunnel was shut down"}); }

}  // namespace weir::exchange
