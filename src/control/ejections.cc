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

}  // namespace

void Ejections::hear(const worker::EjectionNews& news, base::TimePoint now) {
  using enum worker::EjectionNews::Kind;
  if (news.kind == ejected) publisher_.place_taken(news.pool->name, *news.runtime, *news.endpoint);
  if (news.state != news.endpoint->ejection()) return note_stale(news, now);
  unheard_.erase(news.endpoint.get());
  const Record& record = record_of(news.endpoint);
  if (!record.history.empty() && record.serial == news.state.serial()) return;  // it was found out before
  if (news.kind == returned) {
    note_return(news.endpoint, news.state, news.detail, now);
  } else {
    note_out(news.endpoint, news.state, {news.reason, news.detail, news.pool}, now);
  }
}

// It has changed again, by an operator or another worker: what it is now is told, or is found out, by itself.
void Ejections::note_stale(const worker::EjectionNews& news, base::TimePoint now) {
  std::deque<EjectionDetails::Change>& history = record_of(news.endpoint).history;
  EjectionDetails::Change change{.at_unix_ms = unix_ms_of(now, now),
                                 .is_out = news.kind != worker::EjectionNews::Kind::returned,
                                 .reason = {},
                                 .detail = news.detail};
  if (change.is_out) change.reason = news.reason;
  if (history.size() == kHistoryLimit) history.pop_front();
  history.push_back(std::move(change));
}

Ejections::Record& Ejections::record_of(const std::shared_ptr<pool::Endpoint>& endpoint) {
  Record& record = records_[endpoint.get()];
  if (record.endpoint.lock() != endpoint) {
    // An endpoint that is gone may have left its address to this one.
    set_due(record, endpoint.get(), base::TimePoint::max());
    record = {};
    record.endpoint = endpoint;
  }
  return record;
}

Ejections::Record& Ejections::record_change(const std::shared_ptr<pool::Endpoint>& endpoint, EjectionState state,
                                            base::TimePoint now) {
  Record& record = record_of(endpoint);
  record.serial = state.serial();
  record.is_out = !state.is_in();
  set_due(record, endpoint.get(), record.is_out ? state.when() : base::TimePoint::max());
  if (record.history.size() == kHistoryLimit) record.history.pop_front();
  record.history.push_back({.at_unix_ms = unix_ms_of(now, now), .is_out = record.is_out, .reason = {}, .detail = {}});
  return record;
}

void Ejections::set_due(Record& record, const pool::Endpoint* endpoint, base::TimePoint due) {
  if (due != base::TimePoint::max()) due_.emplace(due, endpoint);
  if (record.due != due) due_.erase({record.due, endpoint});
  record.due = due;
}

void Ejections::forget_unused() {
  std::erase_if(records_, [this](const auto& entry) {
    if (!entry.second.endpoint.expired()) return false;
    due_.erase({entry.second.due, entry.first});
    return true;
  });
  std::erase_if(observed_, [this](const auto& entry) { return entry.second.tick != ticks_; });
}

void Ejections::note_out(const std::shared_ptr<pool::Endpoint>& endpoint, EjectionState state, Cause cause,
                         base::TimePoint now) {
  Record& record = record_change(endpoint, state, now);
  endpoint->ejected_by_operator = cause.reason == EjectionReason::by_operator;
  endpoint->ejected_by = std::move(cause.by);
  record.since_unix_ms = unix_ms_of(now, now);
  record.until_unix_ms = unix_ms_of(state.when(), now);
  record.reason = record.history.back().reason.emplace(cause.reason);
  record.detail = record.history.back().detail = std::move(cause.detail);
  publisher_.endpoint_changed(*endpoint);
  tell(*endpoint, record.history.back(), seconds(state.when() - now), true);
}

void Ejections::note_return(const std::shared_ptr<pool::Endpoint>& endpoint, EjectionState state, std::string detail,
                            base::TimePoint now) {
  Record& record = record_change(endpoint, state, now);
  endpoint->ejected_by_operator = false;
  endpoint->ejected_by.reset();
  record.history.back().detail = std::move(detail);
  publisher_.endpoint_returned(*endpoint, now);
  tell(*endpoint, record.history.back(), 0, false);
}

// A line, an event and a count for each backend that has the endpoint and goes by it.
void Ejections::tell(const pool::Endpoint& endpoint, const EjectionDetails::Change& change, double time, bool counts) {
  publisher_.for_each_member(endpoint, [&](const config::Pool& pool, const Publisher::MemberView& member) {
    if (!member.is_own || !pool.passive.enabled) return;
    pool::Backend& backend = *member.backend;
    std::string_view reason = change.reason ? word(*change.reason) : std::string_view();
    std::string data = fmt::format(R"({{{},"pool":"{}","backend":"{}","action":"{}","reason":)",
                                   event_object("backend", backend.pool_name() + "/" + backend.id()),
                                   backend.pool_name(), backend.id(), change.is_out ? "ejected" : "returned");
    data += change.reason ? fmt::format(R"("{}","detail":")", reason) : std::string(R"(null,"detail":")");
    base::append_json_escaped(data, change.detail);
    events_.append("ejection", data + "\"}");
    if (counts) {
      base::log_warning("backend {}/{}: ejected for {:.1f} s ({}): {}", backend.pool_name(), backend.id(), time, reason,
                        change.detail);
      backend.ejections[static_cast<std::size_t>(*change.reason)].fetch_add(1, std::memory_order_relaxed);
    } else {
      base::log_info("backend {}/{}: takes requests again: {}", backend.pool_name(), backend.id(), change.detail);
    }
  });
}

void Ejections::advance(base::TimePoint now) {
  while (!due_.empty() && due_.begin()->first <= now) {
    Record& record = records_.at(due_.begin()->second);
    set_due(record, due_.begin()->second, base::TimePoint::max());
    std::shared_ptr<pool::Endpoint> endpoint = record.endpoint.lock();
    if (endpoint == nullptr) continue;
    EjectionState state = endpoint->ejection();
    bool is_over = state.phase() == EjectionState::Phase::ejected && state.when() <= now;
    if (is_over && endpoint->change(state, state.half_open(now))) publisher_.endpoint_changed(*endpoint);
  }
}

void Ejections::tick(base::TimePoint now) {
  ++ticks_;
  publisher_.for_each_pool(
      [&](const std::shared_ptr<const config::Pool>& pool, worker::PoolRuntime& runtime, auto members) {
        if (!pool->passive.enabled) return;
        for (const Publisher::MemberView& member : members) catch_up(member.endpoint, now);
        compare(pool, runtime, members, now);
        warn_of_prevented(*pool, runtime);
      });
  forget_unused();
}

// Takes over what no message told of, which a worker without memory could not send; and a trial of which nothing bad is
// heard for long.
void Ejections::catch_up(const std::shared_ptr<pool::Endpoint>& endpoint, base::TimePoint now) {
  EjectionState state = endpoint->ejection();
  if (auto after = endpoint->after_patience(now); after && endpoint->change(state, *after)) {
    if (after->is_in()) note_return(endpoint, *after, "nothing bad was heard of its trial", now);
    return;
  }
  auto known = records_.find(endpoint.get());
  bool was_out = known != records_.end() && !known->second.endpoint.expired() && known->second.is_out;
  if (was_out != state.is_in()) {
    unheard_.erase(endpoint.get());
    // A failed trial that no message told of.
    bool waits = state.phase() == EjectionState::Phase::ejected;
    if (waits && known->second.due != state.when()) set_due(known->second, endpoint.get(), state.when());
    return;
  }
  // A message may be on its way.
  auto [seen, is_new] = unheard_.try_emplace(endpoint.get(), ticks_);
  if (is_new || seen->second == ticks_) return;
  unheard_.erase(seen);
  if (state.is_in()) {
    note_return(endpoint, state, "no message told why", now);
  } else {
    note_out(endpoint, state, {EjectionReason::connect, "failures in a row; memory was too short to say which"}, now);
  }
}

void Ejections::compare(const std::shared_ptr<const config::Pool>& pool, worker::PoolRuntime& runtime,
                        std::span<const Publisher::MemberView> members, base::TimePoint now) {
  const config::Passive& passive = pool->passive;
  if (!passive.error_rate.enabled && !passive.success_rate.enabled && !passive.latency.enabled) return;
  auto length = static_cast<std::size_t>(std::chrono::floor<std::chrono::seconds>(passive.window).count());
  std::vector<pool::TrafficCounts> windows;
  struct Compared {
    const Publisher::MemberView* member;
    Observed* observed;
    bool was_spared;
  };
  std::vector<Compared> compared;
  for (const Publisher::MemberView& member : members) {
    if (!member.backend->traffic.has_counts()) continue;
    EjectionState state = member.endpoint->ejection();
    Observed& observed = observed_[{&runtime, member.backend.get()}];
    observed.tick = ticks_;
    pool::TrafficCounts sums = member.backend->traffic.sum();
    if (std::exchange(observed.serial, state.serial()) != state.serial()) observed.window.restart(sums);
    observed.window.add(sums, length);
    bool was_spared = std::exchange(observed.is_spared, false);
    if (!state.is_in() || !member.takes_new_work) continue;
    windows.push_back(observed.window.counts());
    compared.push_back({&member, &observed, was_spared});
  }
  for (const pool::Outlier& outlier : pool::find_outliers(windows, passive)) {
    const auto& [member, observed, was_spared] = compared[outlier.index];
    const std::shared_ptr<pool::Endpoint>& endpoint = member->endpoint;
    EjectionState before = endpoint->ejection();
    if (!before.is_in()) continue;
    // One that stays an outlier is prevented once.
    if (!runtime.ejections.take(outlier.reason, !was_spared)) {
      observed->is_spared = true;
      continue;
    }
    base::Nanoseconds time =
        pool::ejection_time(before.count(now) + 1, passive.ejection.base, passive.ejection.max, random_.unit());
    EjectionState after = before.ejected(now, now + time);
    if (!endpoint->change(before, after)) {
      runtime.ejections.give_back();
      continue;
    }
    publisher_.place_taken(pool->name, runtime, *endpoint);
    note_out(endpoint, after, {outlier.reason, pool::describe(outlier, passive), pool}, now);
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
    base::log_warning("pool {}: {} more ejections prevented: {} of its backends are out, {} may be, or most fail alike",
                      pool.name, total - logged, runtime.ejections.taken(), runtime.ejections.limit());
  }
  logged = total;
}

std::expected<void, std::string> Ejections::may_eject(const BackendKey& key) const {
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
  return {};
}

std::expected<void, std::string> Ejections::eject(const BackendKey& key, base::Nanoseconds time, base::TimePoint now) {
  if (auto may = may_eject(key); !may) return may;
  std::shared_ptr<pool::Endpoint> endpoint = publisher_.endpoint_of(key);
  EjectionState before = endpoint->ejection(), after;
  do {
    before = endpoint->ejection();
    after = before.ejected(now, now + time);
  } while (!endpoint->change(before, after));
  note_out(endpoint, after, {EjectionReason::by_operator, "an operator has ejected it"}, now);
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
  if (state.is_tried()) details.detail += "; waits for a request that tries it";
  if (state.phase() == EjectionState::Phase::trial) details.detail = record.detail + "; a request tries it now";
  return details;
}

}  // namespace weir::control
