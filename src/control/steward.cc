#include "control/steward.h"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <new>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/text.h"
#include "net/reactor.h"

namespace weir::control {
namespace {

constexpr auto kTick = std::chrono::seconds(1);

base::TimePoint present() { return net::Reactor::current().now(); }

std::string names_text(const std::vector<std::string>& paths) {
  constexpr std::size_t kMost = 10;
  std::size_t shown = std::min(paths.size(), kMost);
  std::string text =
      fmt::format("{}", fmt::join(paths.begin(), paths.begin() + static_cast<std::ptrdiff_t>(shown), ", "));
  if (paths.size() > shown) text += fmt::format(" and {} more", paths.size() - shown);
  return text;
}

}  // namespace

Steward::Steward(Parts parts)
    : parts_(std::move(parts)), leaving_(parts_.workers), memory_(parts_.services, parts_.workers) {}

net::Task<void> Steward::run() {
  errands_.spawn(parts_.catalog.follow_store());
  base::TimePoint next_tick = present();
  while (true) {
    base::TimePoint wake = next_tick;
    try {
      wake = round(next_tick);
    } catch (const std::bad_alloc&) {
      next_tick = wake = present() + kTick;
    }
    base::Result<void> woken = co_await poked_->wait_until(wake);
    if (!woken && woken.error().code == base::ErrorCode::cancelled) break;
    // In its place: no memory is needed.
    std::destroy_at(poked_.get());
    std::construct_at(poked_.get());
  }
  errands_.cancel();
  co_await errands_.join();
}

// When to come back.
base::TimePoint Steward::round(base::TimePoint& next_tick) {
  base::TimePoint now = present();
  parts_.ejections.advance(now);
  parts_.publisher.maybe_publish(now);
  leaving_.cut_off(now);
  if (!parts_.publisher.has_changes() && std::exchange(addresses_changed_, false)) followed_generation_ = UINT64_MAX;
  follow_configuration();
  if (now >= next_tick) {
    tick(now);
    next_tick = now + kTick;
  }
  std::optional<base::TimePoint> due = parts_.publisher.next_due();
  return std::min({due.value_or(next_tick), next_tick, leaving_.next_due(), parts_.ejections.next_due()});
}

void Steward::tick(base::TimePoint now) {
  memory_.tick(now);
  parts_.ejections.tick(now);
  parts_.tick();
  errands_.spawn(parts_.catalog.store_again());
  parts_.certificates.tick(now);
  std::vector<std::string> changed = parts_.certificates.files_changed();
  std::ranges::move(parts_.filters.files_changed(), std::back_inserter(changed));
  if (!is_refreshing_ && !changed.empty()) errands_.spawn(refresh_files(std::move(changed)));
}

// Certificates or other files that the configuration names were replaced.
net::Task<void> Steward::refresh_files(std::vector<std::string> changed) {
  if (parts_.is_stopping()) co_return;
  struct Refreshing {
    explicit Refreshing(bool& its_flag) : flag(its_flag) { flag = true; }
    ~Refreshing() { flag = false; }
    bool& flag;
  } refreshing(is_refreshing_);
  Catalog::Outcome<void> outcome = co_await parts_.catalog.refresh();
  if (outcome) {
    if (parts_.settle) static_cast<void>(co_await parts_.settle());
    base::log_info("files have changed: {}; those without errors are in use", names_text(changed));
  } else if (const auto* faults = std::get_if<config::Faults>(&outcome.error())) {
    for (const config::Fault& fault : *faults) base::log_error("{}", config::format(fault));
  }
}

void Steward::follow_configuration() {
  if (parts_.publisher.generation() == followed_generation_) return;
  followed_generation_ = parts_.publisher.generation();
  std::vector<std::string> hosts;
  for (const config::Pool& pool : parts_.catalog.config().pools) {
    for (const config::Backend& backend : pool.backends) {
      if (!base::IpAddress::parse(backend.host)) hosts.push_back(backend.host);
    }
  }
  parts_.names.set_names(hosts);
  parts_.prober.watch(parts_.publisher.watched());
}

void Steward::transition(const health::Transition& news) {
  const pool::Backend& backend = *news.backend;
  parts_.publisher.set_health(backend, news.to, present());
  parts_.publisher.maybe_publish(present());
  poke();
  base::log(news.to == pool::BackendState::unhealthy ? base::LogLevel::warning : base::LogLevel::info,
            "backend {}/{}: {} -> {}: {}", backend.pool_name(), backend.id(), pool::name(news.from),
            pool::name(news.to), news.reason);
  std::string data = fmt::format(R"({{{},"pool":"{}","backend":"{}","from":"{}","to":"{}","reason":")",
                                 event_object("backend", backend.pool_name() + "/" + backend.id()), backend.pool_name(),
                                 backend.id(), pool::name(news.from), pool::name(news.to));
  base::append_json_escaped(data, news.reason);
  parts_.events.append("health", data + "\"}");
}

void Steward::suspect(const health::Suspicion& news) {
  base::log_warning(
      "pool {}: all {} of its backends that were healthy began to fail at once (it has {}): suspicious, look at the "
      "network and at this machine first",
      news.pool, news.failing, news.backends);
  parts_.events.append("suspicious",
                       fmt::format(R"({{{},"pool":"{}","failing":{},"backends":{}}})", event_object("pool", news.pool),
                                   news.pool, news.failing, news.backends));
}

void Steward::agent(const health::AgentNews& news) {
  const pool::Backend& backend = *news.backend;
  pool::BackendState before = backend.state.load(std::memory_order_relaxed);
  parts_.publisher.set_agent(backend, news.verdict, present());
  pool::BackendState after = backend.state.load(std::memory_order_relaxed);
  parts_.publisher.maybe_publish(present());
  poke();
  std::string words = news.verdict.text();
  base::log(news.verdict.is_down() ? base::LogLevel::warning : base::LogLevel::info,
            "backend {}/{}: agent: {} ({}); {} -> {}", backend.pool_name(), backend.id(), words, news.why,
            pool::name(before), pool::name(after));
  std::string data = fmt::format(R"({{{},"pool":"{}","backend":"{}","from":"{}","to":"{}","agent":")",
                                 event_object("backend", backend.pool_name() + "/" + backend.id()), backend.pool_name(),
                                 backend.id(), pool::name(before), pool::name(after));
  base::append_json_escaped(data, words);
  data += R"(","reason":")";
  base::append_json_escaped(data, news.why);
  parts_.events.append("agent", data + "\"}");
}

void Steward::ejection(const worker::EjectionNews& news) {
  parts_.ejections.hear(news, present());
  parts_.publisher.maybe_publish(present());
  poke();
}

void Steward::addresses_changed(const std::string& host) {
  parts_.publisher.addresses_changed(host);
  addresses_changed_ = true;
  poke();
}

void Steward::leave(const std::shared_ptr<pool::Backend>& backend, base::Nanoseconds timeout, bool is_removed) {
  leaving_.leave(backend, present(), timeout, is_removed);
  poke();
}

void Steward::set_aside(const ObjectName& name, const std::string& reason) {
  std::string why;
  base::append_json_escaped(why, reason);
  parts_.events.append(reason.empty() ? "taken_back" : "set_aside",
                       fmt::format("{{{}{}}}", event_object(name.kind, name.name),
                                   reason.empty() ? "" : fmt::format(R"(,"reason":"{}")", why)));
}

}  // namespace weir::control
