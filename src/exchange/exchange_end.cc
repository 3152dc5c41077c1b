#include "exchange/exchange_end.h"

#include <fmt/format.h>

#include "exchange/grpc_call.h"
#include "metrics/families.h"
#include "worker/tls_facts.h"

namespace weir::exchange {

namespace {

std::string_view name(http::Version version) {
  switch (version) {
    case http::Version::http_1_0:
      return "HTTP/1.0";
    case http::Version::http_1_1:
      return "HTTP/1.1";
    case http::Version::http_2:
      return "HTTP/2";
  }
  return "";
}

std::string_view value_of(const http::HeaderMap& headers, http::HeaderId id) {
  const http::HeaderField* found = headers.find(id);
  return found != nullptr ? found->value : std::string_view();
}

void complete(Exchange& exchange) {
  Outcome& outcome = exchange.outcome;
  outcome.bytes_in = exchange.client_side.bytes_in + exchange.body.bytes;
  outcome.bytes_out = exchange.client_side.bytes_out;
  outcome.attempts = exchange.tries.tries();
  if (exchange.tries.has_backend()) outcome.backend = &exchange.tries.backend();
  if (!exchange.attempt) return;
  outcome.upstream_time = exchange.attempt->upstream_time;
  outcome.queue_time = exchange.attempt->queue_time;
}

void count(const Exchange& exchange, base::Nanoseconds duration) {
  const Facts& facts = exchange.facts;
  const Outcome& outcome = exchange.outcome;
  const worker::ListenerRuntime& listener = *exchange.client.listening.runtime;
  const pool::Backend* backend = outcome.backend;
  worker::Worker& worker = exchange.worker;
  metrics::CellKey key{.listener = listener.id,
                       .route = facts.route,
                       .backend = backend != nullptr ? backend->slot() : metrics::CellKey::kNoBackend,
                       .code = outcome.status};
  metrics::Counter requests = worker.counters.requests.find(facts.snapshot->version, key, [&](const metrics::CellKey&) {
    char code[8];
    std::string_view code_text(code, static_cast<std::size_t>(fmt::format_to(code, "{}", outcome.status) - code));
    std::string_view backend_id = backend != nullptr ? std::string_view(backend->id()) : std::string_view();
    return worker.services.registry->counter(
        metrics::families::kRequests, {listener.name, facts.route_name(), facts.pool_name(), backend_id, code_text});
  });
  requests.add(worker.index);
  if (facts.is_call) count_call(exchange);
  listener.request_duration.observe(worker.index, static_cast<std::uint64_t>(duration.count()));
  worker.services.client_bytes_in.add(worker.index, outcome.bytes_in);
  worker.services.client_bytes_out.add(worker.index, outcome.bytes_out);
}

void log(access_log::Log& log, const Exchange& exchange, base::Nanoseconds duration) {
  const Facts& facts = exchange.facts;
  const Outcome& outcome = exchange.outcome;
  const http::RequestHead& request = exchange.state.request;
  const base::IpAddress& forwarded = facts.forwarded.client;
  std::string client = forwarded.is_unspecified() ? exchange.client.facts.peer.ip.to_string() : forwarded.to_string();
  std::optional<access_log::TlsRecord> tls = worker::tls_record(exchange.client.facts);
  auto began = exchange.worker.unix_ms() - std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
  access_log::Record record{
      .unix_ms = began,
      .client = client,
      .client_port = exchange.client.facts.peer.port,
      .method = request.method,
      .target = request.target,
      .path = request.path,
      .query = request.query,
      .host = request.authority,
      .version = request.method.empty() ? std::string_view() : name(request.version),
      .status = outcome.status,
      .bytes_in = outcome.bytes_in,
      .bytes_out = outcome.bytes_out,
      .duration = duration,
      .upstream = outcome.upstream_time,
      .queue = outcome.queue_time,
      .listener = exchange.client.listening.runtime->name,
      .route = facts.route_name(),
      .pool = facts.pool_name(),
      .backend = outcome.backend != nullptr ? std::string_view(outcome.backend->id()) : std::string_view(),
      .attempts = outcome.attempts,
      .request_id = facts.request_id,
      .user_agent = value_of(request.headers, http::HeaderId::user_agent),
      .referer = value_of(request.headers, http::HeaderId::referer),
      .tls = tls ? &*tls : nullptr,
      .termination = worker::name(outcome.termination),
      .detail = outcome.detail};
  log.write(exchange.worker.index, record);
}

}  // namespace

void keep_logged_fields(Facts& facts, worker::ExchangeState& state) {
  base::Arena& arena = state.arena;
  http::RequestHead& request = state.request;
  for (std::string_view* text :
       {&request.method, &request.target, &request.path, &request.query, &request.authority, &facts.request_id}) {
    *text = arena.copy(*text);
  }
  std::string_view user_agent = arena.copy(value_of(request.headers, http::HeaderId::user_agent));
  std::string_view referer = arena.copy(value_of(request.headers, http::HeaderId::referer));
  request.headers.clear();
  if (!user_agent.empty()) request.headers.add("user-agent", user_agent);
  if (!referer.empty()) request.headers.add("referer", referer);
}

void finish(Exchange& exchange) {
  complete(exchange);
  base::Nanoseconds duration = exchange.worker.reactor.now() - exchange.facts.started;
  const Outcome& outcome = exchange.outcome;
  if (exchange.filters) {
    exchange.filters->end({.status = outcome.status,
                           .termination = outcome.termination,
                           .bytes_in = outcome.bytes_in,
                           .bytes_out = outcome.bytes_out,
                           .duration = duration});
  }
  count(exchange, duration);
  access_log::Log* access_log = exchange.worker.services.access_log.load(std::memory_order_acquire);
  if (access_log != nullptr) log(*access_log, exchange, duration);
}

}  // namespace weir::exchange
