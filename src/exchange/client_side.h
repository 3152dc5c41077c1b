// The client's side of one exchange, whatever HTTP version carries it.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "exchange/head_source.h"
#include "exchange/pace.h"
#include "http/h1_body.h"
#include "http/message.h"
#include "net/task.h"
#include "net/tcp.h"

namespace weir::exchange {

class EitherEnd;

// Made by a session for one request, on the worker's thread; outlives the exchange. Errors of every function are the
// client's, unless they say otherwise; `patience` is how long the client may take nothing.
class ClientSide {
 public:
  // ---- the request's body

  // From its first byte: for each attempt, as long as nothing was pulled by read_body().
  virtual void start_body() = 0;
  // The next piece of what is in memory already, or nothing when more must be read first.
  virtual base::Result<std::optional<http::BodyPiece>> buffered_body() = 0;
  // The next piece. Valid until the next call.
  virtual net::Task<base::Result<http::BodyPiece>> read_body(base::TimePoint deadline) = 0;
  virtual bool body_finished() const = 0;
  // After the last piece: the trailer fields as received.
  virtual void trailers(http::HeaderMap& into) const = 0;

  // ---- the response

  // 1xx. Nothing is sent to a client that cannot understand it.
  virtual net::Task<base::Result<void>> send_interim(const HeadSource& head, base::Nanoseconds patience) = 0;
  // The head of a response whose body is framed as `body` says, and its first piece, in one write. Error{too_large,
  // ours} when no head can be made of it: then nothing was sent. `trailers` only with the last piece; may be null.
  virtual net::Task<base::Result<void>> send_head(const HeadSource& head, const http::BodyFraming& body,
                                                  const http::BodyPiece& first, const http::HeaderMap* trailers,
                                                  base::Nanoseconds patience) = 0;
  virtual net::Task<base::Result<void>> send_body(const http::BodyPiece& piece, const http::HeaderMap* trailers,
                                                  base::Nanoseconds patience) = 0;
  // 101 to a request that wanted it, for the protocol `upgrade`: behind the head, `early` and then the bytes of
  // become() go both ways.
  virtual net::Task<base::Result<void>> switch_protocols(const HeadSource& head, std::string_view upgrade,
                                                         std::string_view early, base::Nanoseconds patience) = 0;
  virtual void become(EitherEnd& end) = 0;
  // A response's head was sent, or tried to.
  bool response_started() const { return response_started_; }
  // Bytes that the client has taken, for differences: of its connection, or of its stream and what that waits for.
  virtual std::uint64_t bytes_taken() = 0;
  // The pace of the response, while the client is waited for.
  Pace& pace() { return pace_; }

  // ---- ends

  // The connection takes no further request after this one.
  virtual void close_after() = 0;
  // The part of the request's body that was not read yet will not be. `pulled`: some of it has left memory.
  virtual void give_up_body() = 0;
  // Breaks it so that half a response cannot be taken for a whole one.
  virtual void abort() = 0;
  // The same where the client has set the deadline that ends it.
  virtual void cancel() { abort(); }
  // Whether a response that has begun can be ended early by trailers.
  virtual bool can_end_by_trailers() const { return false; }
  // Whoever waits for the client to take bytes finds an error; nothing more can be sent.
  virtual void cut() = 0;
  // How the client went away, as one static sentence; null when it is there.
  virtual const char* gone() const = 0;
  // The chain of tasks to cancel as soon as the client goes away; null for none.
  virtual void cancel_when_broken(net::TaskContext* context) = 0;

  // ---- what only some versions have

  // The bytes the request's head was parsed from, when they are HTTP/1 field lines; else empty.
  virtual std::string_view head_text() const { return {}; }
  // The connection's stream when the exchange has it to itself and its bytes are HTTP/1's; else null.
  virtual net::TcpStream* stream() { return nullptr; }
  // The bytes of such a stream that were read behind the request.
  virtual std::string_view leftover() const { return {}; }
  // Lets go of buffers: nothing that was parsed from them is used any more.
  virtual void release_buffers() {}

  std::uint64_t bytes_in = 0;   // from the client, heads included
  std::uint64_t bytes_out = 0;  // to it, likewise

 protected:
  ~ClientSide() = default;
  bool response_started_ = false;
  Pace pace_;
};

}  // namespace weir::exchange
