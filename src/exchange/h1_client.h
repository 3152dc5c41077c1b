// The client's side of an exchange on an HTTP/1 connection.
#pragma once

#include "exchange/client_side.h"
#include "exchange/incoming.h"
#include "exchange/tunnel_end.h"
#include "http/h1_body.h"
#include "worker/tcp_connection.h"
#include "worker/worker.h"

namespace weir::exchange {

class H1Client final : public ClientSide {
 public:
  // For the request in `state`, whose head takes the first `head_bytes` of `incoming`.
  H1Client(worker::TcpConnection& connection, worker::ExchangeState& state, Incoming& incoming, std::size_t head_bytes);

  // After the exchange: can the connection take another request? Then `incoming` holds what comes behind this one.
  bool finish();
  // The connection ends: bytes of the client may be unread, or come before it has taken all of the response (linger()).
  bool must_linger() const;

  void start_body() override { body_.start(request_.body, behind_head_); }
  base::Result<std::optional<http::BodyPiece>> buffered_body() override { return body_.buffered(); }
  net::Task<base::Result<http::BodyPiece>> read_body(base::TimePoint deadline) override;
  bool body_finished() const override { return body_.finished(); }
  void trailers(http::HeaderMap& into) const override {
    if (!body_.trailers().empty()) body_.trailer_fields(into);
  }

  net::Task<base::Result<void>> send_interim(const HeadSource& head, base::Nanoseconds patience) override;
  net::Task<base::Result<void>> send_head(const HeadSource& head, const http::BodyFraming& body,
                                          const http::BodyPiece& first, const http::HeaderMap* trailers,
                                          base::Nanoseconds patience) override;
  net::Task<base::Result<void>> send_body(const http::BodyPiece& piece, const http::HeaderMap* trailers,
                                          base::Nanoseconds patience) override;
  net::Task<base::Result<void>> switch_protocols(const HeadSource& head, std::string_view upgrade,
                                                 std::string_view early, base::Nanoseconds patience) override;
  void become(EitherEnd& end) override { end.use(connection_.stream); }

  void close_after() override { keep_ = false; }
  void give_up_body() override;
  void abort() override;
  void cut() override { connection_.stream.shut_down(); }
  std::uint64_t bytes_taken() override { return connection_.stream.acknowledged_bytes(); }
  const char* gone() const override {
    return connection_.stream && connection_.stream.is_broken() ? "the client reset the connection" : nullptr;
  }
  void cancel_when_broken(net::TaskContext* context) override { connection_.stream.cancel_when_broken(context); }

  std::string_view head_text() const override;
  net::TcpStream* stream() override { return &connection_.stream; }
  std::string_view leftover() const override { return body_.leftover(); }
  void release_buffers() override;

 private:
  enum class Framing : std::uint8_t { plain, chunked, until_close };
  Framing framing_of(const http::BodyFraming& body) const;

  worker::TcpConnection& connection_;
  http::RequestHead& request_;
  base::Arena& arena_;
  Incoming& incoming_;
  std::string_view behind_head_;  // what was read with the head
  http::H1BodyReader body_;
  base::Buffer body_buffer_;
  base::Buffer out_;
  Framing framing_ = Framing::plain;
  bool keep_;
  bool unread_body_ = false;
};

}  // namespace weir::exchange
