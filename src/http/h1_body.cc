#include "http/h1_body.h"

#include <algorithm>

namespace weir::http {

using base::ErrorCode;

void H1BodyReader::start(const BodyFraming& framing, std::string_view already_read) {
  kind_ = framing.kind;
  remaining_ = framing.length;
  input_ = already_read;
  finished_ = false;
  if (kind_ == BodyFraming::Kind::chunked) decoder_.reset();
}

base::Result<std::optional<BodyPiece>> H1BodyReader::buffered() {
  switch (kind_) {
    case BodyFraming::Kind::none: {
      finished_ = true;
      return BodyPiece{.data = {}, .last = true};
    }
    case BodyFraming::Kind::length: {
      if (input_.empty() && remaining_ > 0) return std::nullopt;
      std::string_view data = input_.substr(0, std::min<std::uint64_t>(remaining_, input_.size()));
      input_.remove_prefix(data.size());
      remaining_ -= data.size();
      finished_ = remaining_ == 0;
      return BodyPiece{.data = data, .last = finished_};
    }
    case BodyFraming::Kind::chunked:
      return next_chunked();
    case BodyFraming::Kind::until_close: {
      if (input_.empty()) return std::nullopt;
      std::string_view data = input_;
      input_ = {};
      return BodyPiece{.data = data, .last = false};
    }
  }
  return std::nullopt;
}

base::Result<std::optional<BodyPiece>> H1BodyReader::next_chunked() {
  while (true) {
    ChunkedDecoder::Step step = take_step();
    if (step.error != nullptr) return base::fail(ErrorCode::protocol, step.error);
    if (step.done) return BodyPiece{.data = {}, .last = true};
    if (!step.data.empty()) {
      BodyPiece piece{.data = step.data, .last = false};
      // A small body and its end usually come together: take the end along, so that both go out in one write. What was
      // read ends the chunk, or it would have been body bytes.
      if (input_.starts_with("\r\n0\r\n\r\n")) {
        while (!finished_ && take_step().consumed > 0) continue;
        piece.last = finished_;
      }
      return piece;
    }
    if (step.consumed == 0) return std::nullopt;
  }
}

ChunkedDecoder::Step H1BodyReader::take_step() {
  ChunkedDecoder::Step step = decoder_.next(input_);
  input_.remove_prefix(step.consumed);
  finished_ = step.done;
  return step;
}

net::Task<base::Result<BodyPiece>> H1BodyReader::read(net::TcpStream& stream, base::Buffer& buffer,
                                                      base::TimePoint deadline) {
  while (true) {
    base::Result<std::optional<BodyPiece>> piece = buffered();
    if (!piece) co_return std::unexpected(piece.error());
    if (*piece) co_return **piece;
    WEIR_ASSERT(input_.empty());
    // Never only what the body still lacks: a read that fills its room leaves open whether the socket is empty.
    base::Result<std::size_t> got = co_await stream.read({buffer.data(), buffer.capacity()}, deadline);
    if (!got) co_return std::unexpected(got.error());
    if (*got == 0) {
      if (kind_ != BodyFraming::Kind::until_close) co_return base::fail(ErrorCode::closed, "the body ended too early");
      finished_ = true;
      co_return BodyPiece{.data = {}, .last = true};
    }
    input_ = {buffer.data(), *got};
  }
}

std::uint64_t H1BodyReader::unread_length() const {
  return kind_ == BodyFraming::Kind::length && input_.empty() ? remaining_ : 0;
}

void H1BodyReader::skip(std::uint64_t bytes) {
  remaining_ -= bytes;
  finished_ = remaining_ == 0;
}

}  // namespace weir::http
