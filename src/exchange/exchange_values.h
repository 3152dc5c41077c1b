// The values that the steps of one exchange work on.
#pragma once

#include <memory>
#include <optional>

#include "exchange/attempt.h"
#include "exchange/client_side.h"
#include "exchange/facts.h"
#include "exchange/filtering.h"
#include "exchange/heads.h"
#include "exchange/outcome.h"
#include "exchange/request_body.h"
#include "exchange/route_values.h"
#include "worker/backend_tries.h"
#include "worker/client_connection.h"

namespace weir::exchange {

// Lives in the frame of serve_exchange(), on the worker's thread. Smaller steps take the parts that they need.
struct Exchange {
  Exchange(worker::ClientConnection& of, ClientSide& by, worker::ExchangeState& in)
      : client(of), worker(of.worker), client_side(by), state(in), slow_client(of, by, body), tries(of.worker) {
    worker.load.exchange_begins();
  }
  ~Exchange() { worker.load.exchange_ends(); }
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  // After the present response the connection takes no further request.
  bool closing() const { return client.listening.closing || worker.draining() || client.is_old(); }

  worker::ClientConnection& client;
  worker::Worker& worker;
  ClientSide& client_side;
  worker::ExchangeState& state;  // request, response, arena
  Facts facts;
  Outcome outcome;
  RequestBody body;
  SlowClient slow_client;
  worker::BackendTries tries;
  std::optional<Attempt> attempt;          // the present or last one
  std::unique_ptr<Filtering> filters{};    // null: none
  bool tell_method = false;                // the pool's stickiness must know which backend the client has now
  net::CancelAt* request_watch = nullptr;  // of timeouts.request, until a response has begun; null: it is not set
};

inline RouteValues route_values(const Exchange& exchange) { return {exchange.client, exchange.facts, exchange.tries}; }

// A head of the exchange (RequestForBackend, ResponseForClient, AnswerForClient) with all that it is made of.
template <typename Source>
class OutgoingHead {
 public:
  OutgoingHead(const Exchange& exchange, const typename Source::Of& of)
      : values_(route_values(exchange)),
        context_{.facts = exchange.facts,
                 .request = exchange.state.request,
                 .values = values_,
                 .arena = exchange.state.arena,
                 .request_edit = exchange.filters ? &exchange.filters->request_edit() : nullptr,
                 .response_edit = exchange.filters ? &exchange.filters->response_edit() : nullptr},
        of_(of),
        source_(context_, of_) {}
  OutgoingHead(const OutgoingHead&) = delete;
  OutgoingHead& operator=(const OutgoingHead&) = delete;
  const HeadSource& source() const { return source_; }

 private:
  RouteValues values_;
  HeadContext context_;
  typename Source::Of of_;
  Source source_;
};

// From now on the filters of the request's route see it, or those of the listener where it has no route yet.
inline void begin_filtering(Exchange& exchange) {
  const Facts& facts = exchange.facts;
  const filter::Chains* chains = facts.listener != nullptr ? facts.listener->filters.get() : nullptr;
  const filter::Chain* chain = chains != nullptr ? chains->of_route(facts.route) : nullptr;
  if (chain == nullptr) return;
  exchange.filters =
      std::make_unique<Filtering>(*chain, facts, exchange.state.request, exchange.worker.index, exchange.state.arena);
  exchange.body.filters = exchange.filters.get();
}

// `error` with the side that caused it, where the wait that it ended cannot know.
base::Error attributed(const Exchange& exchange, base::Error error);
// One word for the log.
worker::Termination ended_by(const Exchange& exchange, const base::Error& error);
// Why, for the log; static or in the arena.
std::string_view cause_of(const Exchange& exchange, const base::Error& error);

}  // namespace weir::exchange
