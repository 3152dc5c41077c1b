// The backend's side of an attempt on a stream of an HTTP/2 connection.
#pragma once

#include <optional>

#include "exchange/backend_side.h"
#include "exchange/tunnel_end.h"
#include "http2/shared.h"
#include "http2/stream.h"
#include "upstream/h2_links.h"
#include "worker/worker.h"

namespace weir::exchange {

class H2Backend final : public BackendSide {
 public:
  // For one attempt; its stream is opened by send_head(), before anybody else can take the room on `link`.
  H2Backend(worker::Worker& worker, worker::ExchangeState& state, upstream::H2Link& link)
      : worker_(worker),
        state_(state),
        stream_(std::in_place, state.request, state.response, state.arena),
        link_(&link),
        reused_(link.requests > 0) {}

  net::Task<base::Result<void>> send_head(const HeadSource& head, const http::RequestHead& request,
                                          const http::BodyFraming& body, const http::BodyPiece& first,
                                          const http::HeaderMap* trailers, base::Nanoseconds patience) override;
  net::Task<base::Result<void>> send_body(const http::BodyPiece& piece, const http::HeaderMap* trailers,
                                          base::Nanoseconds patience) override;

  net::Task<base::Result<void>> read_head(http::ResponseHead& head, std::string_view request_method,
                                          base::TimePoint deadline) override;
  void expect_response(base::TimePoint deadline) override;
  void start_body(const http::BodyFraming&) override {}
  base::Result<std::optional<http::BodyPiece>> buffered_body() override;
  net::Task<base::Result<http::BodyPiece>> read_body(base::TimePoint deadline) override;
  bool body_finished() const override { return finished_; }
  void trailers(http::HeaderMap& into) const override;

  bool may_be_stale() const override { return reused_ && !heard_ && stream_->lost_connection(); }
  bool is_fresh() const override { return false; }
  void cut() override;
  void end(bool clean) override;
  void release() override { stream_.reset(); }
  void become(EitherEnd& end) override { end.use(*stream_); }

 private:
  const http2::FieldList* compose_trailers(const http::HeaderMap* trailers);
  net::Task<base::Result<void>> wait_sent(base::Nanoseconds patience);
  base::Result<void> outcome() const;
  std::uint64_t bytes_heard() const;
  base::Result<void> leave_if_silent(base::Result<void> waited, std::uint64_t heard_before);

  worker::Worker& worker_;
  worker::ExchangeState& state_;
  std::optional<http2::Stream> stream_;
  upstream::H2Link* link_;  // until the stream is open
  http2::FieldList trailers_;
  base::TimePoint expected_by_ = base::TimePoint::max();
  // bytes_heard() when the present wait for the response began, or was given its deadline.
  std::uint64_t heard_before_reading_ = 0;
  bool reused_;
  bool heard_ = false;
  bool finished_ = false;
  bool tunnel_ = false;
};

}  // namespace weir::exchange
