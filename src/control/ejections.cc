#include "control/ejections.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "base/log.h"
#include "base/text.h"
#include "worker/pool_runtime.h"

namespace weir::control {

using pool::EjectionReason;
using pool::EjectionState;

namespace {

double seconds(base::Nanoseconds time) { return std::chrono::duration<double>(time).count(); }

std::int64_t unix_ms_of(base::TimePoint at, base::TimePoint now) {
  return base::unix_milliseconds() + std::chrono::duration_cast<std::chrono::milliseconds>(at - now).count();
}

bool is_tried(EjectionState state) {
  return state.phase() == EjectionState::Phase::half_open || state.phase() == EjectionState::Phase::trial;
}

}  // namespace

void Ejections::hear(const worker::EjectionNews& news, base::TimePoint now) {
  using enum worker::EjectionNews::Kind;
  unheard_.erase(news.endpoint.get());
  if (news.kind == ejected) publisher_.place_taken(news.pool, *news.runtime, *news.endpoint);
  if (news.kind == returned) {
    note_return(news.endpoint, news.state, news.detail, now);
  } else {
    note_out(news.endpoint, news.state, news.reason, news.detail, now);
  }
}

Ejections::Record& Ejections::record_of(const std::shared_ptr<pool::Endpoint>& endpoint, EjectionState state,
                                        base::TimePoint now) {
  // An endpoint that is gone may have left its address to another.
  std::erase_if(records_, [](const auto& entry) { return entry.second.endpoint.expired(); });
  Record& record = records_[endpoint.get()];
  record.endpoint = endpoint;
  record.serial = state.serial();
  record.is_out = !state.is_in();
  if (record.history.size() == kHistoryLimit) record.history.pop_front();
  record.history.push_back({.at_unix_ms = unix_ms_of(now, now), .is_out = record.is_out, .reason = {}, .detail = {}});
  return record;
}

void Ejections::note_out(const std::shared_ptr<pool::Endpoint>& endpoint, EjectionState state, EjectionReason reason,
                         std::string detail, base::TimePoint now) {
  Record& record = record_of(endpoint, state, now);
  endpoint->ejected_by_operator = reason == EjectionReason::by_operator;
  record.since_unix_ms = unix_ms_of(now, now);
  record.until_unix_ms = unix_ms_of(state.when(), now);
  record.reason = record.history.back().reason.emplace(reason);
  record.detail = record.history.back().detail = std::move(detail);
  next_due_ = std::min(next_due_, state.when());
  publisher_.endpoint_changed(*endpoint);
  tell(*endpoint, record.history.back(), seconds(state.when() - now), true);
}

void Ejections::note_return(const std::shared_ptr<pool::Endpoint>& endpoint, EjectionState state, std::string detail,
                            base::TimePoint now) {
  Record& record = record_of(endpoint, state, now);
  endpoint->ejected_by_operator = false;
  record.history.back().detail = std::move(detail);
  publisher_.endpoint_returned(*endpoint, now);
  tell(*endpoint, record.history.back(), 0, false);
}

// A line, an event and a count for each backend that has the endpoint and goes by it.
void Ejections::tell(const pool::Endpoint& endpoint, const EjectionDetails::Change& change, double time, bool counts) {
  publisher_.for_each_pool([&](const config::Pool& pool, worker::PoolRuntime&, auto members) {
    for (const Publisher::MemberView& member : members) {
      if (member.endpoint.get() != &endpoint || !member.is_own || !pool.passive.enabled) continue;
      pool::Backend& backend = *member.backend;
      std::string_view reason = change.reason ? word(*change.reason) : std::string_view();
      std::string data = fmt::format(R"({{{},"pool":"{}","backend":"{}","action":"{}","reason":)",
                                     event_object("backend", backend.pool_name() + "/" + backend.id()),
                                     backend.pool_name(), backend.id(), change.is_out ? "ejected" : "returned");
      data += change.reason ? fmt::format(R"("{}","detail":")", reason) : std::string(R"(null,"detail":")");
      base::append_json_escaped(data, change.detail);
      events_.append("ejection", data + "\"}");
      if (counts) {
        base::log_warning("backend {}/{}: ejected for {:.1f} s ({}): {}", backend.pool_name(), backend.id(), time,
                          reason, change.detail);
        backend.ejections[static_cast<std::size_t>(*change.reason)].fetch_add(1, std::memory_order_relaxed);
      } else {
        base::log_info("backend {}/{}: takes requests again: {}", backend.pool_name(), backend.id(), change.detail);
      }
    }
  });
}

void Ejections::advance(base::TimePoint now) {
  if (now < next_due_) return;
  next_due_ = base::TimePoint::max();
  for (auto& [address, record] : records_) {
    std::shared_ptr<pool::Endpoint> endpoint = record.endpoint.lock();
    if (endpoint == nullptr) continue;
    EjectionState state = endpoint->ejection();
    if (state.phase() != EjectionState::Phase::ejected) continue;
    if (state.when() > now) {
      next_due_ = std::min(next_due_, state.when());
    } else if (endpoint->change(state, state.half_open(now))) {
      publisher_.endpoint_changed(*endpoint);
    }
  }
}

void Ejections::tick(base::TimePoint now) {
  ++ticks_;
  publisher_.for_each_pool([&](const config::Pool& pool, worker::PoolRuntime& runtime, auto members) {
    if (!pool.passive.enabled) return;
    for (const Publisher::MemberView& member : members) catch_up(member.endpoint, now);
    compare(pool, runtime, members, now);
    warn_of_prevented(pool, runtime);
  });
  std::erase_if(observed_, [this](const auto& entry) { return entry.second.tick != ticks_; });
}

// Takes over what no message told of, which a worker without memory could not send; and a trial of which nothing bad is
// heard for long.
void Ejections::catch_up(const std::shared_ptr<pool::Endpoint>& endpoint, base::TimePoint now) {
  EjectionState state = endpoint->ejection();
  if (auto after = endpoint->after_quiet_trial(now); after && endpoint->change(state, *after)) {
    note_return(endpoint, *after, "its trial has got a connection and nothing bad was heard for 1 s", now);
    return;
  }
  auto known = records_.find(endpoint.get());
  bool was_out = known != records_.end() && !known->second.endpoint.expired() && known->second.is_out;
  if (was_out != state.is_in()) {
    unheard_.erase(endpoint.get());
    return;
  }
  // A message may be on its way.
  auto [seen, is_new] = unheard_.try_emplace(endpoint.get(), ticks_);
  if (is_new || seen->second == ticks_) return;
  unheard_.erase(seen);
  if (state.is_in()) {
    note_return(endpoint, state, "its trial succeeded", now);
  } else {
    note_out(endpoint, state, EjectionReason::connect, "failures in a row; memory was too short to say which", now);
  }
}

void Ejections::compare(const config::Pool& pool, worker::PoolRuntime& runtime,
                        std::span<const Publisher::MemberView> members, base::TimePoint now) {
  const config::Passive& passive = pool.passive;
  if (!passive.error_rate.enabled && !passive.success_rate.enabled && !passive.latency.enabled) return;
  auto length = static_cast<std::size_t>(std::chrono::floor<std::chrono::seconds>(passive.window).count());
  std::vector<pool::TrafficCounts> windows;
  std::vector<const Publisher::MemberView*> compared;
  for (const Publisher::MemberView& member : members) {
    if (!member.backend->traffic.has_counts()) continue;
    EjectionState state = member.endpoint->ejection();
    Observed& observed = observed_[{&runtime, member.backend.get()}];
    observed.tick = ticks_;
    pool::TrafficCounts sums = member.backend->traffic.sum();
    if (std::exchange(observed.serial, state.serial()) != state.serial()) observed.window.restart(sums);
    observed.window.add(sums, length);
    if (!state.is_in()) continue;
    windows.push_back(observed.window.counts());
    compared.push_back(&member);
  }
  for (const pool::Outlier& outlier : pool::find_outliers(windows, passive)) {
    const std::shared_ptr<pool::Endpoint>& endpoint = compared[outlier.index]->endpoint;
    EjectionState before = endpoint->ejection();
    if (!before.is_in() || !runtime.ejections.take(outlier.reason)) continue;
    base::Nanoseconds time =
        pool::ejection_time(before.count(now) + 1, passive.ejection.base, passive.ejection.max, random_.unit());
    EjectionState after = before.ejected(now, now + time);
    if (!endpoint->change(before, after)) {
      runtime.ejections.give_back();
      continue;
    }
    publisher_.place_taken(pool.name, runtime, *endpoint);
    note_out(endpoint, after, outlier.reason, pool::describe(outlier, passive), now);
  }
}

// At most one line a second for a pool.
void Ejections::warn_of_prevented(const config::Pool& pool, const worker::PoolRuntime& runtime) {
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < pool::kEjectionReasons.size(); ++i) {
    total += runtime.ejections.prevented(static_cast<EjectionReason>(i));
  }
  std::uint64_t& logged = prevented_[pool.name];
  if (total > logged) {
    base::log_warning("pool {}: {} more ejections prevented: {} of its backends are out, and no more than {} may be",
                      pool.name, total - logged, runtime.ejections.taken(), runtime.ejections.limit());
  }
  logged = total;
}

std::expected<void, std::string> Ejections::eject(const BackendKey& key, base::Nanoseconds time, base::TimePoint now) {
  std::shared_ptr<pool::Endpoint> endpoint = publisher_.endpoint_of(key);
  std::shared_ptr<const worker::Snapshot> snapshot = publisher_.snapshot();
  if (endpoint == nullptr || snapshot == nullptr) return std::unexpected("the backend is gone");
  auto pool = std::ranges::find(snapshot->pools, key.pool, [](const auto& one) { return one->config->name; });
  if (pool == snapshot->pools.end() || !(*pool)->config->passive.enabled) {
    return std::unexpected(
        fmt::format("the pool '{}' has no passive checks (`passive: off`); disable the backend", key.pool));
  }
  auto serves = [&](const pool::BackendEntry& entry) {
    return entry.endpoint != endpoint && entry.endpoint->ejection().is_in();
  };
  if (std::ranges::none_of((*pool)->eligible, serves)) {
    return std::unexpected(fmt::format(
        "'{}' is the last backend of the pool '{}' that takes requests; to stop it all the same, disable it", key.id,
        key.pool));
  }
  EjectionState before = endpoint->ejection(), after;
  do {
    before = endpoint->ejection();
    after = before.ejected(now, now + time);
  } while (!endpoint->change(before, after));
  note_out(endpoint, after, EjectionReason::by_operator, "an operator has ejected it", now);
  return {};
}

void Ejections::readmit(const BackendKey& key, base::TimePoint now) {
  std::shared_ptr<pool::Endpoint> endpoint = publisher_.endpoint_of(key);
  if (endpoint == nullptr) return;
  EjectionState before = endpoint->ejection(), after;
  do {
    before = endpoint->ejection();
    if (before.is_in()) return;
    after = before.readmitted(now);
  } while (!endpoint->change(before, after));
  note_return(endpoint, after, "an operator has readmitted it", now);
}

std::optional<EjectionDetails> Ejections::details(const BackendKey& key, base::TimePoint now) const {
  std::shared_ptr<pool::Endpoint> endpoint = publisher_.endpoint_of(key);
  auto known = records_.find(endpoint.get());
  if (endpoint == nullptr || known == records_.end() || known->second.endpoint.lock() != endpoint) return std::nullopt;
  const Record& record = known->second;
  EjectionState state = endpoint->ejection();
  EjectionDetails details{.phase = state.phase(),
                          .since_unix_ms = record.since_unix_ms,
                          .until_unix_ms = record.until_unix_ms,
                          .reason = record.reason,
                          .detail = record.detail,
                          .count = state.count(now),
                          .history = {record.history.begin(), record.history.end()}};
  if (is_tried(state)) details.detail += "; waits for a request that tries it";
  if (state.phase() == EjectionState::Phase::trial) details.detail = record.detail + "; a request tries it now";
  return details;
}

}  // namespace weir::control
