// Finding routes, compiling them, and what each request needs besides: forwarding fields and a request id.
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <memory>
#include <string>
#include <vector>

#include "exchange/forwarded.h"
#include "http/h1_codec.h"
#include "http/target.h"
#include "route/table.h"
#include "worker/request_id.h"

namespace weir {
namespace {

class NoValues final : public route::Values {
 public:
  std::string_view value(config::Variable variable, base::Arena&) const override {
    return variable == config::Variable::scheme ? "http" : std::string_view();
  }
};
const NoValues values;

class Request {
 public:
  Request(std::string_view target, std::string_view host, std::string_view fields = "")
      : bytes_(fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\n{}\r\n", target,
                           host, fields)) {
    http::parse_request_head(bytes_, {}, head_);
    http::canonicalize(head_, {}, *arena_);
  }
  const http::RequestHead& head() const { return head_; }

 private:
  std::string bytes_;
  http::RequestHead head_;
  std::unique_ptr<base::Arena> arena_ = std::make_unique<base::Arena>();
};

config::Route route_of(std::string host, std::string prefix) {
  config::Route route;
  route.name = prefix;
  route.pool = "pool";
  if (!host.empty()) route.match.host = {std::move(host)};
  if (!prefix.empty()) route.match.path_prefix = std::move(prefix);
  return route;
}

config::Listener many_hosts(std::int64_t hosts, std::string_view pattern = "") {
  config::Listener listener;
  for (std::int64_t i = 0; i < hosts; ++i) {
    listener.routes.push_back(route_of(fmt::format("{}shop{}.example.com", pattern, i), "/api/v1"));
  }
  return listener;
}

void find_all(benchmark::State& state, const config::Listener& listener, const std::vector<Request>& requests) {
  const auto table = route::Table::compile(listener);
  const base::IpAddress client = base::IpAddress::v4({192, 0, 2, 1});
  base::Arena arena;
  for (const Request& request : requests) {
    if (table->find(request.head(), client, arena) == route::kNoRoute) state.SkipWithError("no route");
  }
  std::size_t next = 0;
  for (auto _ : state) {
    arena.reset();
    benchmark::DoNotOptimize(table->find(requests[next].head(), client, arena));
    if (++next == requests.size()) next = 0;
  }
}

// 1,000 requests to hosts over the whole table, so that a large one does not sit in the first cache.
std::vector<Request> spread_requests(std::int64_t hosts, std::string_view label) {
  std::vector<Request> requests;
  requests.reserve(1000);
  for (std::int64_t i = 0; i < 1000; ++i) {
    requests.emplace_back("/api/v1/items/4711?page=2", fmt::format("{}shop{}.example.com", label, i * 7919 % hosts));
  }
  return requests;
}

void route_find_by_host(benchmark::State& state) {
  find_all(state, many_hosts(state.range(0)), spread_requests(state.range(0), ""));
}
BENCHMARK(route_find_by_host)->Arg(1)->Arg(100)->Arg(1000)->Arg(10000);

void route_find_by_suffix(benchmark::State& state) {
  find_all(state, many_hosts(state.range(0), "*."), spread_requests(state.range(0), "www.eu."));
}
BENCHMARK(route_find_by_suffix)->Arg(1)->Arg(100)->Arg(10000);

void route_find_any(benchmark::State& state) {
  config::Listener listener;
  listener.routes.push_back(route_of("", ""));
  find_all(state, listener, spread_requests(1, ""));
}
BENCHMARK(route_find_any);

void route_find_among_prefixes(benchmark::State& state) {
  config::Listener listener;
  for (std::int64_t i = 0; i < state.range(0); ++i) {
    listener.routes.push_back(route_of("shop.example.com", fmt::format("/service-{}/{}", i, std::string(i % 20, 'x'))));
  }
  std::vector<Request> requests;
  requests.reserve(1000);
  for (std::int64_t i = 0; i < 1000; ++i) {
    const std::int64_t number = i * 7919 % state.range(0);
    requests.emplace_back(fmt::format("/service-{}/{}/items/4711", number, std::string(number % 20, 'x')),
                          "shop.example.com");
  }
  find_all(state, listener, requests);
}
BENCHMARK(route_find_among_prefixes)->Arg(10)->Arg(1000);

void route_find_by_predicates(benchmark::State& state) {
  config::Listener listener;
  for (std::int64_t i = 0; i < 4; ++i) {
    config::Route route = route_of("shop.example.com", "/api");
    route.match.method = {"GET", "HEAD"};
    route.match.header = {{"x-tenant", config::MatchKind::exact, fmt::format("tenant-{}", i)}};
    listener.routes.push_back(std::move(route));
  }
  std::vector<Request> requests;
  requests.emplace_back("/api/items", "shop.example.com", "X-Tenant: tenant-3\r\n");
  find_all(state, listener, requests);
}
BENCHMARK(route_find_by_predicates);

void route_find_by_regex(benchmark::State& state) {
  config::Listener listener;
  listener.routes.push_back(route_of("shop.example.com", ""));
  listener.routes.back().match.path_regex = "/api/v[0-9]+/items/[0-9]+";
  std::vector<Request> requests;
  requests.emplace_back("/api/v1/items/4711", "shop.example.com");
  find_all(state, listener, requests);
}
BENCHMARK(route_find_by_regex);

void route_find_normalises(benchmark::State& state) {
  std::vector<Request> requests;
  requests.emplace_back("/x/../%61pi/v1/items", "shop0.example.com");
  find_all(state, many_hosts(1), requests);
}
BENCHMARK(route_find_normalises);

// A host of 127 labels against suffixes of every length: the worst that a client can ask.
void route_find_worst_host(benchmark::State& state) {
  config::Listener listener;
  std::string suffix = "x";
  for (int i = 0; i < 125; ++i) {
    listener.routes.push_back(route_of("*." + suffix + "y", "/"));
    suffix = "x." + suffix;
  }
  listener.routes.push_back(route_of("", "/"));
  std::vector<Request> requests;
  requests.emplace_back("/", "x." + suffix);
  find_all(state, listener, requests);
}
BENCHMARK(route_find_worst_host);

void route_compile(benchmark::State& state) {
  const config::Listener listener = many_hosts(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(route::Table::compile(listener));
}
BENCHMARK(route_compile)->Arg(1000)->Arg(10000)->Unit(benchmark::kMillisecond);

void route_rewrite(benchmark::State& state) {
  config::Listener listener = many_hosts(1);
  config::Rewrite& rewrite = listener.routes[0].rewrite;
  if (state.range(0) == 0) {
    rewrite.path_prefix = "/internal";
  } else {
    rewrite.path_regex = "^/api/v([0-9]+)/(.*)$";
    rewrite.substitution = "/\\2/version-\\1";
  }
  const auto table = route::Table::compile(listener);
  const Request request("/api/v1/items/4711?page=2", "shop0.example.com");
  base::Arena arena;
  for (auto _ : state) {
    arena.reset();
    benchmark::DoNotOptimize(table->rewritten_target(0, request.head(), values, arena));
  }
}
BENCHMARK(route_rewrite)->ArgName("regex")->Arg(0)->Arg(1);

void route_redirect(benchmark::State& state) {
  config::Listener listener = many_hosts(1);
  listener.routes[0].redirect = config::Redirect{.to = "https://{host}{path}?{query}"};
  const auto table = route::Table::compile(listener);
  const Request request("/api/v1/items/4711?page=2", "shop0.example.com");
  base::Arena arena;
  for (auto _ : state) {
    arena.reset();
    benchmark::DoNotOptimize(table->redirect_location(0, request.head(), values, arena));
  }
}
BENCHMARK(route_redirect);

void forwarded_fields(benchmark::State& state) {
  const bool trusted_peer = state.range(0) != 0;
  const Request request("/", "shop.example.com",
                        "X-Forwarded-For: 203.0.113.7\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: a.example\r\n");
  const std::vector<base::Cidr> trusted = {*base::Cidr::parse("10.0.0.0/8")};
  const base::IpAddress peer = base::IpAddress::v4({10, 0, 0, 1});
  base::Arena arena;
  for (auto _ : state) {
    arena.reset();
    benchmark::DoNotOptimize(exchange::forwarded(request.head(), peer, trusted_peer, "http", trusted, arena));
  }
}
BENCHMARK(forwarded_fields)->ArgName("trusted")->Arg(0)->Arg(1);

void request_id_made(benchmark::State& state) {
  const Request request("/", "shop.example.com");
  worker::RequestIds ids;
  base::Arena arena;
  for (auto _ : state) {
    arena.reset();
    benchmark::DoNotOptimize(worker::request_id(request.head(), true, ids, arena));
  }
}
BENCHMARK(request_id_made);

}  // namespace
}  // namespace weir
