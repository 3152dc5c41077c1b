// One HTTP request and its response, from first byte to access-log line.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "http/forward.h"
#include "http/h1_body.h"
#include "http/message.h"
#include "net/task_group.h"
#include "proxy/backend_choice.h"
#include "proxy/error_page.h"
#include "proxy/forwarded.h"
#include "proxy/h1_session.h"
#include "proxy/incoming.h"
#include "proxy/timeouts.h"
#include "proxy/worker.h"

namespace weir::proxy {

// The steps are in exchange.cc, in their order; the larger ones have files of their own: attempt.cc (one try on one
// backend), request_body.cc, response.cc (what goes to the client), local_answer.cc, tunnel.cc, and exchange_end.cc
// (metrics and log). Lives in the frame of its session, on the worker's thread.
class Exchange {
 public:
  Exchange(ClientConnection& client, ExchangeState& state, Incoming& incoming);
  ~Exchange();
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  // Serves the request whose head takes the first `head_bytes` of `incoming`. True when the connection can be kept:
  // then `incoming` holds what comes after the request.
  net::Task<bool> run(std::size_t head_bytes);
  // Answers a head that was not understood; the connection must be closed then.
  net::Task<void> refuse(const http::Parsed& parsed);

 private:
  struct Refusal {
    std::uint16_t status;
    std::string_view message;
  };

  // -- steps, in order (exchange.cc)
  void begin(std::size_t head_bytes);
  std::optional<Refusal> admit();
  void find_route();
  net::Task<void> forward();
  bool pick();
  bool may_retry(const base::Error& error);
  bool is_idempotent() const;
  std::uint64_t hash_key() const;
  std::uint32_t stuck_to() const;
  void attempt_ended(const base::Result<void>& outcome);

  // -- one try on one backend (attempt.cc)
  net::Task<base::Result<void>> attempt();
  std::string_view compose_request_head(base::Buffer& out);
  net::Task<base::Result<void>> send_request();
  net::Task<base::Result<void>> read_response_head();
  base::Result<bool> take_response_head();
  base::Error backend_error(base::Error error);

  // -- the request's body (request_body.cc)
  net::Task<void> pump_request_body();
  net::Task<void> stop_request_body();
  bool request_body_too_large(std::uint64_t bytes) const;

  // -- to the client (response.cc)
  enum class Framing : std::uint8_t { none, length, chunked, until_close };
  net::Task<base::Result<void>> relay_response();
  net::Task<base::Result<void>> relay_body(http::BodyPiece piece);
  net::Task<base::Result<void>> relay_interim();
  Framing response_framing() const;
  std::string_view sticky_cookie();
  std::string_view compose_response_head(base::Buffer& out, Framing framing);
  net::Task<base::Result<void>> write_piece(std::string_view head, const http::BodyPiece& piece);
  std::string_view response_trailers();
  std::string_view compose_trailers(const http::H1BodyReader& body);

  // -- answers made here (local_answer.cc)
  net::Task<void> answer_locally();
  net::Task<void> answer_error(base::Error error);
  net::Task<void> answer_status(std::uint16_t status, std::string_view message);
  net::Task<void> answer(const ErrorPage& page);
  net::Task<void> write_answer(std::uint16_t status, std::string_view body);
  void settle_request_body();

  // -- upgraded connections (tunnel.cc)
  net::Task<base::Result<void>> tunnel();

  // -- metrics and log (exchange_end.cc)
  void finish();
  void keep_what_is_logged();
  void start_response_clock();
  net::Task<void> linger();

  bool closing() const { return client_.listening.closing || worker_.draining(); }

  ClientConnection& client_;
  Worker& worker_;
  ExchangeState& state_;
  http::RequestHead& request_;
  http::ResponseHead& response_;
  base::Arena& arena_;
  Incoming& incoming_;

  SnapshotRef snapshot_;
  const ListenerSnapshot* listener_ = nullptr;
  std::uint32_t route_ = route::kNoRoute;
  const config::Route* route_config_ = nullptr;
  const PoolSnapshot* pool_ = nullptr;
  TimeoutScopes timeouts_;

  base::TimePoint started_;
  std::string_view request_id_;
  Forwarded forwarded_;
  bool peer_trusted_ = false;
  std::optional<http::MaxForwards> max_forwards_;

  // The client's side.
  http::H1BodyReader client_body_;
  std::string_view behind_head_;  // what was read with the head
  base::Buffer client_body_buffer_;
  bool body_pulled_ = false;   // bytes of the body left `incoming_`: no other backend can be given the whole request
  bool body_sent_ = false;     // the whole request has reached the backend's socket
  bool body_stopped_ = false;  // the backend takes no more of it; it may still answer
  bool heard_ = false;         // the backend has sent something in this attempt
  bool awaiting_continue_ = false;
  std::uint64_t body_bytes_ = 0;
  std::optional<base::Error> client_failure_;  // what ended the request's body early
  bool response_started_ = false;
  bool keep_client_ = true;
  bool unread_body_ = false;  // the client may still be sending: do not answer its bytes with a reset
  std::optional<net::TaskGroup> pump_;

  // The backend's side, of the present attempt.
  BackendChoice choice_;
  std::uint32_t retries_ = 0;
  bool set_cookie_ = false;        // the client is to be told which backend it sticks to
  bool fresh_ = false;             // the attempt must open a new connection
  bool stale_connection_ = false;  // it failed because a reused connection had died
  upstream::Lease lease_;
  base::Buffer upstream_buffer_;
  std::size_t upstream_begin_ = 0;
  std::size_t upstream_end_ = 0;
  http::H1BodyReader backend_body_;
  base::TimePoint attempt_started_;
  base::Nanoseconds upstream_time_{0};
  base::Nanoseconds queue_time_{0};

  Framing framing_ = Framing::none;
  base::Buffer out_;
  std::uint16_t status_ = 0;
  std::string_view termination_ = kTerminationOk;
  std::uint64_t bytes_in_ = 0;
  std::uint64_t bytes_out_ = 0;
};

}  // namespace weir::proxy
