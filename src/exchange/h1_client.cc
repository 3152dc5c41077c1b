#include "exchange/h1_client.h"

#include <cstring>

#include "exchange/h1_text.h"
#include "http/forward.h"
#include "http/head_writer.h"

namespace weir::exchange {

using base::Error;
using base::ErrorCode;
using base::Side;

namespace {

// Up to this size a body piece is copied behind the head: one plain send is cheaper than a vectored one.
constexpr std::size_t kCopyBehindHead = 2048;
// Of a response that leaves at once with a connection that is new (RFC 6928).
constexpr std::uint64_t kFewSegments = 14 * 1024;

std::unexpected<Error> no_such_head() {
  return base::fail(ErrorCode::too_large, "the response header grew beyond 64 KB");
}

base::Result<void> of_client(const base::Result<void>& written) {
  if (!written) return std::unexpected(written.error().on(Side::client));
  return {};
}

}  // namespace

H1Client::H1Client(worker::TcpConnection& connection, worker::ExchangeState& state, Incoming& incoming,
                   std::size_t head_bytes)
    : connection_(connection),
      request_(state.request),
      arena_(state.arena),
      incoming_(incoming),
      behind_head_(incoming.bytes().substr(head_bytes)),
      keep_(state.request.keep_alive) {
  bytes_in = head_bytes;
  start_body();
}

bool H1Client::finish() {
  if (keep_) incoming_.keep_only(body_.leftover());
  return keep_;
}

bool H1Client::must_linger() const {
  net::TcpStream& stream = connection_.stream;
  if (!stream || stream.is_broken()) return false;
  if (unread_body_ || !body_.leftover().empty() || stream.descriptor().readable) return true;
  // Bytes that went out in few segments overtake no reset. Of more, the kernel may have much still to send.
  return bytes_out >= kFewSegments && stream.untaken_bytes() > 0;
}

std::string_view H1Client::head_text() const {
  return incoming_.bytes().substr(0, incoming_.bytes().size() - behind_head_.size());
}

net::Task<base::Result<http::BodyPiece>> H1Client::read_body(base::TimePoint deadline) {
  if (!body_buffer_) {
    bool large = request_.body.kind == http::BodyFraming::Kind::chunked || request_.body.length > base::kBufferBytes;
    body_buffer_ = large ? base::Buffer::large() : base::Buffer::small();
  }
  return body_.read(connection_.stream, body_buffer_, deadline);
}

H1Client::Framing H1Client::framing_of(const http::BodyFraming& body) const {
  bool counted = body.kind == http::BodyFraming::Kind::none || body.kind == http::BodyFraming::Kind::length;
  if (counted) return Framing::plain;
  return request_.version == http::Version::http_1_0 ? Framing::until_close : Framing::chunked;
}

// RFC 9110 15.2: not to HTTP/1.0.
net::Task<base::Result<void>> H1Client::send_interim(const HeadSource& head, base::Nanoseconds patience) {
  if (request_.version == http::Version::http_1_0) co_return base::Result<void>();
  base::Buffer out;
  std::string_view text = write_head(out, [&](http::HeadWriter& writer) {
    if (!head.write(writer)) return false;
    writer.end();
    return true;
  });
  if (text.empty()) co_return no_such_head();
  bytes_out += text.size();
  net::WriteOperation write = connection_.stream.write(text, patience);
  WaitForClient waiting(pace_, write);
  co_return of_client(co_await waiting);
}

net::Task<base::Result<void>> H1Client::send_head(const HeadSource& head, const http::BodyFraming& body,
                                                  const http::BodyPiece& first, const http::HeaderMap* trailers,
                                                  base::Nanoseconds patience) {
  framing_ = framing_of(body);
  if (framing_ == Framing::until_close) keep_ = false;
  std::string_view text = write_head(out_, [&](http::HeadWriter& writer) {
    if (!head.write(writer)) return false;
    if (framing_ == Framing::chunked) writer.field("transfer-encoding", "chunked");
    if (!keep_) {
      writer.field("connection", "close");
    } else if (request_.version == http::Version::http_1_0) {
      writer.field("connection", "keep-alive");
    }
    writer.end();
    return true;
  });
  if (text.empty()) co_return no_such_head();
  response_started_ = true;
  if (framing_ != Framing::chunked && first.data.size() <= kCopyBehindHead &&
      text.size() + first.data.size() <= out_.capacity()) {
    if (!first.data.empty()) std::memcpy(out_.data() + text.size(), first.data.data(), first.data.size());
    std::string_view both(out_.data(), text.size() + first.data.size());
    bytes_out += both.size();
    net::WriteOperation write = connection_.stream.write(both, patience);
    WaitForClient waiting(pace_, write);
    co_return of_client(co_await waiting);
  }
  FramedPiece framed(text, first, framing_ == Framing::chunked, trailers, arena_);
  bytes_out += framed.size();
  net::WriteOperation write = connection_.stream.write(framed.parts(), patience);
  WaitForClient waiting(pace_, write);
  co_return of_client(co_await waiting);
}

net::Task<base::Result<void>> H1Client::send_body(const http::BodyPiece& piece, const http::HeaderMap* trailers,
                                                  base::Nanoseconds patience) {
  out_.release();
  FramedPiece framed({}, piece, framing_ == Framing::chunked, trailers, arena_);
  bytes_out += framed.size();
  net::WriteOperation write = connection_.stream.write(framed.parts(), patience);
  WaitForClient waiting(pace_, write);
  co_return of_client(co_await waiting);
}

net::Task<base::Result<void>> H1Client::switch_protocols(const HeadSource& head, std::string_view upgrade,
                                                         std::string_view early, base::Nanoseconds patience) {
  keep_ = false;
  std::string_view text = write_head(out_, [&](http::HeadWriter& writer) {
    if (!head.write(writer)) return false;
    writer.field("connection", "upgrade");
    if (!upgrade.empty()) writer.field("upgrade", upgrade);
    writer.end();
    return true;
  });
  if (text.empty()) co_return no_such_head();
  response_started_ = true;
  bytes_out += text.size() + early.size();
  std::array<std::string_view, 2> parts{text, early};
  net::WriteOperation write = connection_.stream.write(parts, patience);
  co_return of_client(co_await write);
}

// A request whose body is not all here cannot be left behind: the connection ends with the answer.
void H1Client::give_up_body() {
  keep_ = false;
  unread_body_ = true;
}

void H1Client::abort() {
  keep_ = unread_body_ = false;
  connection_.stream.abort();
}

void H1Client::release_buffers() {
  out_.release();
  incoming_.release();
}

}  // namespace weir::exchange
