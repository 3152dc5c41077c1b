#include "exchange/pick.h"

#include "base/hash.h"
#include "exchange/hash_key.h"

namespace weir::exchange {

namespace {

std::uint64_t hash_of(const balance::HashKeySource& source, const Exchange& exchange) {
  if (source.kind == balance::HashKeySource::Kind::none) return 0;
  std::string_view key = key_text(source, exchange.state.request);
  return key.empty() ? exchange.facts.forwarded.client.hash() : base::hash_text(key);
}

}  // namespace

std::uint32_t pick(Exchange& exchange) {
  worker::BackendTries& tries = exchange.tries;
  const worker::PoolSnapshot& pool = *exchange.facts.pool;
  const persist::Method* method = pool.method.get();
  if (tries.tries() == 0 && method != nullptr) {
    persist::Match match = method->find(sticky_client(exchange));
    const bool is_there = match.index != balance::kNone && !tries.is_held_back(match.index);
    exchange.tell_method = !is_there || match.is_due;
    if (is_there) return match.index;
  } else if (tries.repeats() && tries.is_still_eligible()) {
    // After a stale connection the same backend again: it did nothing wrong by closing an idle one.
    return tries.index();
  } else {
    exchange.tell_method = method != nullptr;
  }
  return tries.pick(hash_of(pool.hash_key, exchange));
}

persist::Client sticky_client(const Exchange& exchange) {
  return {.address_hash = exchange.facts.forwarded.client.hash(),
          .request = &exchange.state.request,
          .unix_seconds = exchange.worker.unix_ms() / 1000,
          .over_tls = exchange.facts.listener->tls != nullptr};
}

}  // namespace weir::exchange
