// The backend's side of an attempt on an HTTP/1 connection.
#pragma once

#include "base/arena.h"
#include "exchange/backend_side.h"
#include "exchange/tunnel_end.h"
#include "http/h1_body.h"
#include "upstream/connections.h"
#include "worker/worker.h"

namespace weir::exchange {

class H1Backend final : public BackendSide {
 public:
  // For one attempt on `lease`.
  H1Backend(worker::Worker& worker, base::Arena& arena, upstream::Lease lease)
      : worker_(worker), arena_(arena), lease_(std::move(lease)) {}

  net::Task<base::Result<void>> send_head(const HeadSource& head, const http::RequestHead& request,
                                          const http::BodyFraming& body, const http::BodyPiece& first,
                                          const http::HeaderMap* trailers, base::Nanoseconds patience) override;
  net::Task<base::Result<void>> send_body(const http::BodyPiece& piece, const http::HeaderMap* trailers,
                                          base::Nanoseconds patience) override;

  net::Task<base::Result<void>> read_head(http::ResponseHead& head, std::string_view request_method,
                                          base::TimePoint deadline) override;
  void expect_response(base::TimePoint deadline) override;
  void start_body(const http::BodyFraming& framing) override;
  base::Result<std::optional<http::BodyPiece>> buffered_body() override { return body_.buffered(); }
  net::Task<base::Result<http::BodyPiece>> read_body(base::TimePoint deadline) override;
  bool body_finished() const override { return body_.finished(); }
  void trailers(http::HeaderMap& into) const override {
    if (!body_.trailers().empty()) body_.trailer_fields(into);
  }

  bool may_be_stale() const override { return lease_ && lease_.reused() && !heard_ && !lease_.was_cut(); }
  bool is_fresh() const override { return lease_ && !lease_.reused(); }
  void cut() override {
    if (lease_) lease_.cut();
  }
  void end(bool clean) override;
  void release() override;
  void become(EitherEnd& end) override { end.use(lease_.stream()); }

  std::string_view head_text() const override { return {buffer_.data(), begin_}; }
  net::TcpStream* stream() override { return &lease_.stream(); }
  std::uint64_t unread_length() const override { return body_.unread_length(); }
  void skip_body(std::uint64_t bytes) override { body_.skip(bytes); }
  std::string_view leftover() const override { return {buffer_.data() + begin_, end_ - begin_}; }

 private:
  base::Result<bool> take_head(http::ResponseHead& head, std::string_view request_method);
  base::Result<void> check_websocket(const http::ResponseHead& head) const;

  worker::Worker& worker_;
  base::Arena& arena_;
  upstream::Lease lease_;
  base::Buffer buffer_;  // heads, and what came with them
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  base::Buffer large_;  // of a long body
  http::H1BodyReader body_;
  http::BodyFraming framing_;
  base::TimePoint expected_by_ = base::TimePoint::max();
  std::string_view websocket_key_;  // that the backend has to answer; empty: none
  bool heard_ = false;
  bool chunked_request_ = false;
};

}  // namespace weir::exchange
