#include "exchange/h1_backend.h"

#include <cstring>

#include "base/text.h"
#include "exchange/h1_text.h"
#include "http/forward.h"
#include "http/h1_codec.h"
#include "http/websocket.h"

namespace weir::exchange {

using base::Error;
using base::ErrorCode;
using base::Side;

namespace {

std::unexpected<Error> broken_protocol(const char* what) {
  return std::unexpected(Error{.code = ErrorCode::protocol, .side = Side::backend, .what = what});
}

// Methods whose requests have a body by their meaning: that there is none is said (RFC 9110 8.6). HTTP/2 says it
// without a field, and some backends answer 411 where HTTP/1 says nothing.
bool must_say_empty(const http::RequestHead& request) {
  if (request.body.kind != http::BodyFraming::Kind::none) return false;
  bool has_meaning = request.method == "POST" || request.method == "PUT" || request.method == "PATCH";
  return has_meaning && request.headers.find(http::HeaderId::content_length) == nullptr;
}

std::unexpected<Error> too_large(const char* what) {
  return std::unexpected(Error{.code = ErrorCode::too_large, .side = Side::backend, .what = what});
}

}  // namespace

net::Task<base::Result<void>> H1Backend::send_head(const HeadSource& head, const http::RequestHead& request,
                                                   const http::BodyFraming& body, const http::BodyPiece& first,
                                                   const http::HeaderMap* trailers, base::Nanoseconds patience) {
  chunked_request_ = body.kind == http::BodyFraming::Kind::chunked;
  websocket_key_ = {};
  if (request.wants_upgrade && base::equal_ignoring_case(request.upgrade, "websocket")) {
    const http::HeaderField* key = request.headers.find("sec-websocket-key");
    if (key != nullptr) websocket_key_ = key->value;
  }
  bool trailers_wanted = request.version != http::Version::http_1_0 && http::accepts_trailers(request.headers);
  base::Buffer out;
  std::string_view text = write_head(out, [&](http::HeadWriter& writer) {
    if (!head.write(writer)) return false;
    if (chunked_request_) writer.field("transfer-encoding", "chunked");
    if (must_say_empty(request)) writer.field("content-length", "0");
    if (request.extended_connect) {
      // Fields that RFC 8441 leaves out and HTTP/1 asks for.
      base::Random& random = worker_.random;
      std::uint64_t high = random.next();
      websocket_key_ = http::websocket_key(high, random.next(), arena_);
      writer.field("sec-websocket-key", websocket_key_);
    }
    // TE ends at each hop, so Connection names it (RFC 9110 10.1.4): said for a client that takes what comes of it.
    if (trailers_wanted) writer.field("te", "trailers");
    if (request.wants_upgrade || trailers_wanted) {
      std::string_view both = request.wants_upgrade ? "upgrade, te" : "te";
      writer.field("connection", trailers_wanted ? both : "upgrade");
    }
    if (request.wants_upgrade) writer.field("upgrade", request.upgrade);
    writer.end();
    return true;
  });
  if (text.empty()) {
    // A rewrite that makes no usable path of this one, or changes that make the head larger than 64 KB.
    Error error{.code = ErrorCode::protocol, .side = Side::client, .what = "the route cannot rewrite this request"};
    co_return std::unexpected(error);
  }
  FramedPiece framed(text, first, chunked_request_, trailers, arena_);
  net::WriteOperation write = lease_.stream().write(framed.parts(), patience);
  base::Result<void> written = co_await write;
  if (written) worker_.services.backend_bytes_out.add(worker_.index, framed.size());
  co_return written;
}

net::Task<base::Result<void>> H1Backend::send_body(const http::BodyPiece& piece, const http::HeaderMap* trailers,
                                                   base::Nanoseconds patience) {
  FramedPiece framed({}, piece, chunked_request_, trailers, arena_);
  worker_.services.backend_bytes_out.add(worker_.index, framed.size());
  net::WriteOperation write = lease_.stream().write(framed.parts(), patience);
  co_return co_await write;
}

void H1Backend::expect_response(base::TimePoint deadline) {
  if (!lease_) return;
  expected_by_ = deadline;
  lease_.stream().descriptor().hurry_reader(worker_.reactor.tick(deadline));
}

net::Task<base::Result<void>> H1Backend::read_head(http::ResponseHead& head, std::string_view request_method,
                                                   base::TimePoint deadline) {
  if (!buffer_) buffer_ = base::Buffer::small();
  while (true) {
    base::Result<bool> complete = take_head(head, request_method);
    if (!complete) co_return std::unexpected(complete.error());
    if (*complete && head.status == 101 && !websocket_key_.empty()) co_return check_websocket(head);
    if (*complete) co_return base::Result<void>();
    std::span<char> room(buffer_.data() + end_, buffer_.capacity() - end_);
    base::Result<std::size_t> got = co_await lease_.stream().read(room, std::min(deadline, expected_by_));
    if (!got) co_return std::unexpected(got.error());
    if (*got == 0) co_return base::fail(ErrorCode::closed, "the backend closed the connection before a response");
    end_ += *got;
    heard_ = true;
    worker_.services.backend_bytes_in.add(worker_.index, *got);
  }
}

base::Result<bool> H1Backend::take_head(http::ResponseHead& head, std::string_view request_method) {
  if (begin_ == end_) {
    begin_ = end_ = 0;
    return false;
  }
  constexpr http::HeadLimits kLimits{
      .start_line_bytes = 16 * 1024, .head_bytes = base::kLargeBufferBytes, .header_count = 256};
  std::string_view bytes(buffer_.data() + begin_, end_ - begin_);
  http::Parsed parsed = http::parse_response_head(bytes, kLimits, request_method, head);
  if (parsed.state == http::Parsed::State::invalid) {
    return parsed.status == 431 ? too_large(parsed.what) : broken_protocol(parsed.what);
  }
  if (parsed.state == http::Parsed::State::complete) {
    begin_ += parsed.consumed;
    return true;
  }
  if (end_ == buffer_.capacity()) {
    base::Buffer larger = base::Buffer::large();
    if (begin_ == 0 && buffer_.capacity() == larger.capacity()) {
      return too_large("the response header is larger than 64 KB");
    }
    std::memcpy(larger.data(), bytes.data(), bytes.size());
    buffer_ = std::move(larger);
    begin_ = 0;
    end_ = bytes.size();
  }
  return false;
}

// RFC 6455 4.1: what a client has to find in the answer to its handshake. In front of the backend Weir is that client.
base::Result<void> H1Backend::check_websocket(const http::ResponseHead& head) const {
  const http::HeaderField* upgrade = head.headers.find(http::HeaderId::upgrade);
  if (upgrade == nullptr || !base::equal_ignoring_case(upgrade->value, "websocket")) {
    return broken_protocol("101 without Upgrade: websocket (RFC 6455 4.1)");
  }
  const http::HeaderField* accept = head.headers.find("sec-websocket-accept");
  if (accept == nullptr || accept->value != http::websocket_accept(websocket_key_, arena_)) {
    return broken_protocol("Sec-WebSocket-Accept does not answer the key (RFC 6455 4.1)");
  }
  return {};
}

void H1Backend::start_body(const http::BodyFraming& framing) {
  framing_ = framing;
  body_.start(framing, leftover());
}

net::Task<base::Result<http::BodyPiece>> H1Backend::read_body(base::TimePoint deadline) {
  bool streaming = framing_.kind != http::BodyFraming::Kind::length;
  if (!large_ && (streaming || body_.unread_length() > base::kBufferBytes)) large_ = base::Buffer::large();
  base::Result<http::BodyPiece> piece = co_await body_.read(lease_.stream(), large_ ? large_ : buffer_, deadline);
  if (!piece) co_return piece;
  if (piece->last && lease_.was_cut() && framing_.kind == http::BodyFraming::Kind::until_close) {
    co_return base::fail(ErrorCode::reset, "the connection was cut before the body ended");
  }
  worker_.services.backend_bytes_in.add(worker_.index, piece->data.size());
  co_return piece;
}

void H1Backend::end(bool clean) {
  if (lease_ && clean && body_.finished() && body_.leftover().empty()) {
    lease_.give_back();
  } else {
    lease_.close();
  }
}

void H1Backend::release() {
  buffer_.release();
  large_.release();
}

}  // namespace weir::exchange
