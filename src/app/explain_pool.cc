#include "app/explain_pool.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "balance/strategy.h"
#include "base/hash.h"
#include "exchange/hash_key.h"
#include "persist/method.h"
#include "pool/ejection_quota.h"

namespace weir::app {
namespace {

using Kind = balance::HashKeySource::Kind;

std::string source_text(const balance::HashKeySource& source) {
  switch (source.kind) {
    case Kind::none:
      return {};
    case Kind::client_address:
      return "the client address";
    case Kind::header:
      return "header " + source.name;
    case Kind::cookie:
      return "cookie " + source.name;
    case Kind::path:
      return "the path";
    case Kind::query:
      return "query parameter " + source.name;
  }
  return {};
}

// Why a backend takes no new work whatever its health, or empty.
std::string_view out_because(const config::Backend& backend) {
  if (!backend.enabled) return "disabled";
  if (backend.weight == 0) return "weight 0: no new requests";
  return {};
}

pool::BackendSet eligible(const config::Pool& pool) {
  pool::BackendSet set;
  for (const config::Backend& backend : pool.backends) {
    if (!out_because(backend).empty()) continue;
    set.push_back({.backend = std::make_shared<pool::Backend>(pool.name, backend.id, backend.host, backend.port),
                   .addresses = std::make_shared<pool::Addresses>(),
                   .weight = backend.weight,
                   .max_connections = backend.max_connections});
  }
  return set;
}

}  // namespace

bool takes_work(const config::Backend& backend) { return out_because(backend).empty(); }

std::string describe_strategy(const config::Pool& pool) {
  auto entries = balance::strategies();
  auto entry = std::ranges::find(entries, pool.algorithm.name, &config::KindEntry::name);
  std::string text = fmt::format("{}: {}", pool.algorithm.name, entry == entries.end() ? "" : entry->summary);
  if (!pool.sticky.is_on()) return text;
  const pool::BackendSet none;
  const persist::StickyKey no_key;
  auto method = persist::make_method(pool.sticky.method, {.pool = pool.name, .backends = none, .key = no_key});
  return fmt::format("{}; clients stay by {}", text, method->known_by());
}

std::string describe_passive(const config::Pool& pool) {
  const config::Passive& passive = pool.passive;
  if (!passive.enabled) return "off: the traffic of backends ejects none";
  std::vector<std::string> rules;
  if (passive.consecutive_failures > 0)
    rules.push_back(fmt::format("{} bad answers in a row", passive.consecutive_failures));
  if (passive.consecutive_local_failures > 0) {
    rules.push_back(
        fmt::format("{} local failures in a row (crashes count twice)", passive.consecutive_local_failures));
  }
  if (passive.error_rate.enabled) rules.push_back(fmt::format("{:.0f} % failures", 100 * passive.error_rate.threshold));
  if (passive.success_rate.enabled) {
    rules.push_back(fmt::format("a success rate {:g} deviations below the pool", passive.success_rate.deviations));
  }
  if (passive.latency.enabled)
    rules.push_back(fmt::format("{:g} times the latency of the pool", passive.latency.factor));
  auto may_serve = static_cast<std::uint32_t>(std::ranges::count_if(pool.backends, takes_work));
  if (rules.empty()) rules.emplace_back("nothing: every detector is off");
  return fmt::format("ejected by {}; at most {} of {} at once", fmt::join(rules, ", "),
                     std::min(pool::may_be_ejected(may_serve, passive.max_ejected), may_serve > 0 ? may_serve - 1 : 0),
                     may_serve);
}

std::vector<std::string> describe_backends(const config::Pool& pool, const http::RequestHead& request,
                                           const base::IpAddress& client) {
  std::vector<std::string> lines;
  pool::BackendSet set = eligible(pool);
  std::string picked;
  if (set.empty()) {
    lines.emplace_back("no backend may take new work: 503");
  } else {
    auto strategy = balance::make_strategy(pool.algorithm, set, nullptr);
    balance::HashKeySource source = strategy->hash_key();
    if (source.kind == Kind::none) {
      lines.push_back(set.size() == 1 ? std::string("the only backend, if it is healthy:")
                                      : fmt::format("any of {} backends, as far as they are healthy:", set.size()));
    } else {
      std::string_view key = exchange::key_text(source, request);
      base::Random random(1);
      balance::PickContext context{
          .key_hash = key.empty() ? client.hash() : base::hash_text(key), .now = {}, .random = &random, .avoid = {}};
      std::uint32_t index = strategy->pick(context);
      if (index != balance::kNone) picked = set[index].backend->id();
      bool fallback = key.empty() && source.kind != Kind::client_address;
      lines.push_back(fmt::format("key: {} = {}", source_text(source),
                                  key.empty()
                                      ? client.to_string() + (fallback ? " (the client address: it is not there)" : "")
                                      : std::string(key)));
      lines.push_back(fmt::format("goes to {} while all are healthy", picked));
    }
  }
  for (const config::Backend& backend : pool.backends) {
    std::string_view out = out_because(backend);
    lines.push_back(fmt::format("{} {} ({}:{}) weight {}{}{}", backend.id == picked ? ">" : "-", backend.id,
                                backend.host, backend.port, backend.weight, out.empty() ? "" : ", ", out));
  }
  return lines;
}

}  // namespace weir::app
