// The client's side of an exchange on a stream of an HTTP/2 connection.
#pragma once

#include "exchange/client_side.h"
#include "exchange/tunnel_end.h"
#include "http2/shared.h"
#include "http2/stream.h"
#include "worker/worker.h"

namespace weir::worker {
class ClientConnection;
}

namespace weir::exchange {

class H2Client final : public ClientSide {
 public:
  H2Client(worker::ClientConnection& connection, http2::Stream& stream, worker::ExchangeState& state);

  void start_body() override { pulled_ = finished_ = false; }
  base::Result<std::optional<http::BodyPiece>> buffered_body() override;
  net::Task<base::Result<http::BodyPiece>> read_body(base::TimePoint deadline) override;
  bool body_finished() const override { return finished_; }
  void trailers(http::HeaderMap& into) const override;

  net::Task<base::Result<void>> send_interim(const HeadSource& head, base::Nanoseconds patience) override;
  net::Task<base::Result<void>> send_head(const HeadSource& head, const http::BodyFraming& body,
                                          const http::BodyPiece& first, const http::HeaderMap* trailers,
                                          base::Nanoseconds patience) override;
  net::Task<base::Result<void>> send_body(const http::BodyPiece& piece, const http::HeaderMap* trailers,
                                          base::Nanoseconds patience) override;
  net::Task<base::Result<void>> switch_protocols(const HeadSource& head, std::string_view upgrade,
                                                 std::string_view early, base::Nanoseconds patience) override;
  void become(EitherEnd& end) override { end.use(stream_); }

  // A stream ends with its response; when the connection ends is its session's affair.
  void close_after() override {}
  void give_up_body() override {}
  void abort() override;
  void cancel() override { stream_.reset(NGHTTP2_CANCEL); }
  bool can_end_by_trailers() const override {
    return stream_.is_open() && stream_.all_sent() && !stream_.output_ended();
  }
  void cut() override;
  std::uint64_t bytes_taken() override;
  const char* gone() const override {
    if (stream_.error()) return stream_.error()->what;
    return stream_.is_open() ? nullptr : "the client reset the stream";
  }
  void cancel_when_broken(net::TaskContext* context) override { stream_.cancel_when_reset(context); }

 private:
  http2::FieldList* compose(const HeadSource& head);
  const http2::FieldList* compose_trailers(const http::HeaderMap* trailers);
  net::Task<base::Result<void>> wait_sent(base::Nanoseconds patience);
  base::Result<void> outcome() const;

  worker::Worker& worker_;
  http2::Stream& stream_;
  base::Arena& arena_;
  http2::FieldList trailers_;
  bool pulled_ = false;    // buffered_body() gave what there was
  bool finished_ = false;  // the last piece was given
  // For bytes_taken().
  std::uint64_t taken_ = 0;
  std::uint64_t seen_of_stream_ = 0;
  std::uint64_t seen_of_connection_ = 0;
};

}  // namespace weir::exchange
