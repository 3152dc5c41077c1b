// One HTTP request and its response, from first byte to access-log line.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "http/forward.h"
#include "http/message.h"
#include "net/cancel_at.h"
#include "net/task_group.h"
#include "proxy/backend_side.h"
#include "proxy/client_side.h"
#include "proxy/error_page.h"
#include "proxy/forwarded.h"
#include "proxy/h1_backend.h"
#include "proxy/h2_backend.h"
#include "proxy/pace.h"
#include "route/template.h"
#include "worker/backend_tries.h"
#include "worker/client_connection.h"
#include "worker/termination.h"
#include "worker/timeouts.h"
#include "worker/worker.h"

namespace weir::proxy {

inline constexpr const char* kBodyTooLarge = "the request body is larger than limits.body_bytes";
inline constexpr base::Error kRequestTimedOut{
    .code = base::ErrorCode::timeout, .side = base::Side::backend, .what = "timeouts.request has passed"};

// The steps are in exchange.cc, in their order; the larger ones have files of their own: attempt.cc (one try on one
// backend), request_body.cc, response.cc (what goes to the client), heads.cc, local_answer.cc, tunnel.cc, and
// exchange_end.cc (metrics and log). What differs between HTTP versions is behind ClientSide and BackendSide. Lives in
// the frame of its session, on the worker's thread.
class Exchange final : private PaceOwner, private route::Values {
 public:
  // For the request in `state`, which came over `client` by `side`.
  Exchange(ClientConnection& client, ClientSide& side, ExchangeState& state);
  ~Exchange();
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  // Serves the request.
  net::Task<void> run();
  // Answers a head that was not understood, if the client is there to read it; the connection must be closed then. The
  // request has what was read of it, for the log.
  net::Task<void> refuse(const http::Parsed& parsed, Termination how = Termination::ok);

 private:
  struct Refusal {
    std::uint16_t status;
    std::string_view message;
  };

  // -- steps, in order (exchange.cc)
  void begin();
  std::optional<Refusal> admit();
  void find_route();
  net::Task<void> forward();
  bool pick();
  bool may_retry(const base::Error& error);
  bool is_idempotent() const;
  bool is_repeatable() const;
  std::uint64_t hash_of(const balance::HashKeySource& source) const;
  persist::Client sticky_client() const;
  void attempt_ended(const base::Result<void>& outcome);
  net::Task<void> end_failed();
  base::Error attributed(base::Error error) const;
  std::string_view cause_of(const base::Error& error);

  // -- calls of gRPC (grpc_call.cc)
  std::optional<Refusal> begin_call();
  bool has_call_deadline() const { return call_deadline_ != base::TimePoint::max(); }
  bool has_deadline() const { return has_call_deadline() || timeouts_.request(); }
  std::string_view call_timeout();
  net::Task<void> forward_in_time();
  bool grpc_failed();
  net::Task<bool> end_call_by_trailers();
  void count_call();

  // -- one try on one backend (attempt.cc)
  net::Task<base::Result<void>> attempt();
  net::Task<base::Result<void>> connect();
  net::Task<base::Result<void>> connect_h2(upstream::AcquireOptions options);
  base::Error connect_error(base::Error error);
  bool was_too_late(const base::Error& error) const;
  net::Task<base::Result<void>> send_request();
  net::Task<base::Result<void>> read_response_head();
  base::Error backend_error(base::Error error);

  // -- the request's body (request_body.cc)
  net::Task<void> pump_request_body();
  bool request_body_too_large(std::uint64_t bytes) const;
  void watch(Pace& pace, Direction direction);
  std::uint64_t moved(Direction direction) override;
  void too_slow(Direction direction) override;

  // -- to the client (response.cc)
  net::Task<base::Result<void>> relay_response();
  net::Task<base::Result<void>> relay_body();
  net::Task<base::Result<void>> relay_interim();
  // The trailers of `body` that may go on, in own_fields; null when there are none.
  template <typename Body>
  const http::HeaderMap* passing_trailers(const Body& body);
  const http::HeaderMap* response_trailers();

  // -- heads (heads.cc)
  bool write_request_head(http::HeadWriter& writer);
  bool write_response_head(http::HeadWriter& writer);
  bool write_answer_head(http::HeadWriter& writer);  // local_answer.cc
  template <bool (Exchange::*write_by)(http::HeadWriter&)>
  class Head final : public HeadSource {
   public:
    explicit Head(Exchange& exchange) : exchange_(exchange) {}
    bool write(http::HeadWriter& writer) const override { return (exchange_.*write_by)(writer); }

   private:
    Exchange& exchange_;
  };
  using RequestForBackend = Head<&Exchange::write_request_head>;
  using ResponseForClient = Head<&Exchange::write_response_head>;
  using AnswerForClient = Head<&Exchange::write_answer_head>;

  // -- answers made here (local_answer.cc)
  net::Task<void> answer_locally();
  net::Task<void> answer_error(base::Error error);
  net::Task<void> answer_status(std::uint16_t status, std::string_view message);
  void note_refusal(std::uint16_t status, std::string_view message);
  net::Task<void> answer(const ErrorPage& page);
  net::Task<void> write_answer(std::uint16_t status, std::string_view body);
  void settle_request_body();

  // -- upgraded connections (tunnel.cc)
  net::Task<base::Result<void>> tunnel();

  // -- metrics and log (exchange_end.cc)
  void finish();
  void keep_what_is_logged();
  void start_response_clock();

  // What the variables of the route stand for (variables.cc).
  std::string_view value(config::Variable variable, base::Arena& arena) const override;
  void write_changes(http::HeadWriter& writer, const route::HeaderChanges& changes);

  std::string_view scheme() const { return client_.stream.is_filtered() ? "https" : "http"; }
  Termination ended_by(const base::Error& error) const;
  bool closing() const { return client_.listening.closing || worker_.draining() || client_.is_old(); }

  ClientConnection& client_;
  ClientSide& client_side_;
  Worker& worker_;
  ExchangeState& state_;
  http::RequestHead& request_;
  http::ResponseHead& response_;
  base::Arena& arena_;

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
  bool body_pulled_ = false;   // bytes of the body left memory: no other backend can be given the whole request
  bool body_sent_ = false;     // the whole request has gone to the backend
  bool body_stopped_ = false;  // the backend takes no more of it; it may still answer
  bool awaiting_continue_ = false;
  std::uint64_t body_bytes_ = 0;
  bool client_too_slow_ = false;               // min_rate has cut it
  std::optional<base::Error> client_failure_;  // what ended the request's body early
  std::optional<net::TaskGroup> pump_;

  // The backend's side, of the present attempt.
  BackendTries tries_;
  bool tell_method_ = false;       // the pool's stickiness must know which backend the client has now
  bool stale_connection_ = false;  // it failed because a reused connection had died
  H1Backend h1_backend_;
  H2Backend h2_backend_;
  BackendSide* backend_side_ = nullptr;  // null before the first attempt has a connection
  base::TimePoint attempt_started_;
  base::Nanoseconds upstream_time_{0};
  base::Nanoseconds queue_time_{0};

  // Of a call of gRPC.
  bool is_call_ = false;
  bool call_late_ = false;  // its deadline ended it
  base::TimePoint call_deadline_ = base::TimePoint::max();
  net::CancelAt* request_watch_ = nullptr;  // of timeouts.request, until a response has begun; null: it is not set
  std::optional<unsigned> call_status_;     // that the client is told

  std::optional<base::Error> failure_;  // what no backend could make good
  bool forward_ended_ = false;          // forward() got to its end
  std::uint64_t answer_length_ = 0;     // of the body of an answer made here
  std::uint16_t status_ = 0;
  Termination termination_ = Termination::ok;
  std::string_view detail_;  // why, for the log; also of a try that was followed by another. Empty: nothing failed
};

}  // namespace weir::proxy
