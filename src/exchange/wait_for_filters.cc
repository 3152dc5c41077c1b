#include "exchange/wait_for_filters.h"

#include <algorithm>
#include <new>

#include "net/task_group.h"

namespace weir::exchange {

namespace {

// The rest of the way behind a filter that waits. A client that breaks its connection ends it: outcome.failure.
net::Task<void> resume_filters(Exchange& exchange, std::optional<Answer>& answer) {
  net::TaskContext& context = co_await net::this_context();
  exchange.client_side.cancel_when_broken(&context);
  answer = co_await exchange.filters->resume();
  exchange.client_side.cancel_when_broken(nullptr);
  if (context.cancelled()) exchange.outcome.failure = attributed(exchange, {.code = base::ErrorCode::cancelled});
  exchange.outcome.filters_ended = true;
}

}  // namespace

net::Task<std::optional<Answer>> wait_for_filters(Exchange& exchange) {
  const Facts& facts = exchange.facts;
  Outcome& outcome = exchange.outcome;
  std::optional<Answer> answer;
  net::TaskGroup waiting;
  base::TimePoint deadline = facts.call_deadline;
  if (auto request = facts.timeouts.request()) deadline = std::min(deadline, facts.started + *request);
  net::CancelAt watch(waiting, deadline);
  waiting.spawn(resume_filters(exchange, answer));
  co_await waiting.join();
  if (!outcome.filters_ended) throw std::bad_alloc();  // as if it had been awaited here
  if (outcome.failure && watch.passed()) {
    outcome.failure = kRequestTimedOut;
    outcome.call_late = facts.is_call;
  }
  co_return answer;
}

}  // namespace weir::exchange
