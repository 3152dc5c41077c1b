// The backend's side of one attempt, whatever HTTP version carries it.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "exchange/head_source.h"
#include "http/h1_body.h"
#include "http/message.h"
#include "net/task.h"
#include "net/tcp.h"

namespace weir::exchange {

class EitherEnd;

// On the worker's thread. Errors are the backend's unless they name another side; retry_helps is set when the request
// certainly was not looked at. What it read stays valid until release(), also after end().
class BackendSide {
 public:
  // ---- the request

  // The head of `request` and the first piece of its body, framed as `body` says, in one write. Error{protocol, client}
  // when no head can be made of it.
  virtual net::Task<base::Result<void>> send_head(const HeadSource& head, const http::RequestHead& request,
                                                  const http::BodyFraming& body, const http::BodyPiece& first,
                                                  const http::HeaderMap* trailers, base::Nanoseconds patience) = 0;
  virtual net::Task<base::Result<void>> send_body(const http::BodyPiece& piece, const http::HeaderMap* trailers,
                                                  base::Nanoseconds patience) = 0;

  // ---- the response

  // The next head, interim or final, into `head`. `deadline` may be moved nearer meanwhile by expect_response().
  virtual net::Task<base::Result<void>> read_head(http::ResponseHead& head, std::string_view request_method,
                                                  base::TimePoint deadline) = 0;
  // From now on whoever waits in read_head() waits until `deadline` only.
  virtual void expect_response(base::TimePoint deadline) = 0;
  // Behind the final head: the body, framed as the head says.
  virtual void start_body(const http::BodyFraming& framing) = 0;
  virtual base::Result<std::optional<http::BodyPiece>> buffered_body() = 0;
  virtual net::Task<base::Result<http::BodyPiece>> read_body(base::TimePoint deadline) = 0;
  virtual bool body_finished() const = 0;
  virtual void trailers(http::HeaderMap& into) const = 0;

  // ---- ends

  // Nothing was heard on a connection that had served others before: most likely it was closed before the request came.
  virtual bool may_be_stale() const = 0;
  // The request is the first on a connection that carries nothing else.
  virtual bool is_fresh() const = 0;
  // Whoever reads finds the end of the stream.
  virtual void cut() = 0;
  // The attempt is over; `clean`: request and response are complete and the connection may serve others.
  virtual void end(bool clean) = 0;
  // Lets go of what was read.
  virtual void release() = 0;
  // Behind the head of 101: puts this side into `end`, which must not outlive it.
  virtual void become(EitherEnd& end) = 0;

  // ---- what only some versions have

  virtual std::string_view head_text() const { return {}; }
  // See ClientSide::stream().
  virtual net::TcpStream* stream() { return nullptr; }
  // Bytes of the body that are still in the socket and may be moved without passing here; 0: read it piece by piece.
  virtual std::uint64_t unread_length() const { return 0; }
  virtual void skip_body(std::uint64_t bytes) { static_cast<void>(bytes); }
  virtual std::string_view leftover() const { return {}; }

 protected:
  ~BackendSide() = default;
};

}  // namespace weir::exchange
