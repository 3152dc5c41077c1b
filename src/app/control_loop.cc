// What the control thread does while Weir runs.

#include <algorithm>
#include <csignal>
#include <malloc.h>
#include <memory>
#include <new>
#include <sys/signalfd.h>
#include <unistd.h>

#include "app/parts.h"
#include "base/log.h"
#include "base/memory_reserve.h"
#include "base/text.h"
#include "config/diff.h"
#include "config/read.h"
#include "metrics/process.h"

namespace weir::app {

using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

// Between two looks at what has left for backends that nothing uses any more: until then their memory is kept.
constexpr auto kForgetPause = seconds(1);

}  // namespace

net::Task<void> Weir::Parts::follow_signals(int signal_fd) {
  net::TcpStream signals = net::TcpStream::adopt(signal_fd);
  while (true) {
    base::Result<void> ready = co_await signals.wait_readable(base::TimePoint::max());
    if (!ready) co_return;
    signalfd_siginfo info;
    while (::read(signal_fd, &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
      if (draining && info.ssi_signo != SIGHUP) {
        base::log_warning("second signal: stopping at once");
        _exit(kExitFine);
      }
      try {
        if (info.ssi_signo == SIGHUP) {
          chores.spawn(follow_hangup());
        } else {
          begin_drain();
        }
      } catch (const std::bad_alloc&) {
        // The next signal is followed as well.
        base::log_error("a signal was not followed to its end: memory could not be had");
      }
    }
    signals.descriptor().readable = false;
  }
}

// Publishes what has changed, at the publisher's pace, and ticks once a second.
net::Task<void> Weir::Parts::maintain() {
  base::TimePoint next_tick = control_reactor.now();
  while (true) {
    base::TimePoint wake = next_tick;
    try {
      wake = maintain_once(next_tick);
    } catch (const std::bad_alloc&) {
      // Try again in a second.
      next_tick = wake = control_reactor.now() + seconds(1);
    }
    base::Result<void> woken = co_await poked->wait_until(wake);
    if (!woken && woken.error().code == base::ErrorCode::cancelled) co_return;
    // In its place: no memory is needed.
    std::destroy_at(poked.get());
    std::construct_at(poked.get());
  }
}

// When to come back.
base::TimePoint Weir::Parts::maintain_once(base::TimePoint& next_tick) {
  base::TimePoint now = control_reactor.now();
  publisher->maybe_publish(now);
  if (now >= next_cut) cut_off_leaving(now);
  if (!publisher->has_changes() && std::exchange(addresses_changed, false)) followed_generation = UINT64_MAX;
  follow_generation();
  if (now >= next_tick) {
    follow_memory(now);
    api->tick();
    chores.spawn(catalog->store_again());
    certificates->tick(now);
    if (!refreshing && certificates->files_changed()) chores.spawn(refresh_files());
    forget_ended_logs();
    next_tick = now + seconds(1);
  }
  std::optional<base::TimePoint> due = publisher->next_due();
  return std::min({due.value_or(next_tick), next_tick, next_cut});
}

// Refills the memory reserve, without which new work is refused, and gives memory that a burst has left to the system.
void Weir::Parts::follow_memory(base::TimePoint now) {
  constexpr auto kComplainEvery = seconds(60);
  constexpr auto kGiveBackEvery = seconds(5);
  constexpr auto kTrimEvery = seconds(60);
  constexpr std::size_t kWorthIt = 4 * 1024 * 1024;
  constexpr std::size_t kUsualBytes = 64 * 1024 * 1024;
  if (!base::memory_reserve::is_whole()) {
    bool again = base::memory_reserve::refill();
    if (now >= next_memory_complaint) {
      next_memory_complaint = now + kComplainEvery;
      base::log_error("memory could not be had: new connections and requests are refused {}; raise the limit on memory",
                      again ? "no more" : "until it can");
    }
  }
  if (now < next_give_back) return;
  next_give_back = now + kGiveBackEvery;
  for (auto& worker : workers) worker->give_back_memory();
  // Workers give memory back to the heap, where closed connections leave theirs too. The heap is trimmed when it holds
  // enough to be worth the time.
  bool is_much = services.given_back.load(std::memory_order_relaxed) >= kWorthIt;
  if (!is_much && (now < next_trim || metrics::resident_bytes() < kUsualBytes)) return;
  malloc_trim(0);
  services.given_back.store(0, std::memory_order_relaxed);
  next_trim = now + kTrimEvery;
}

void Weir::Parts::publish(std::shared_ptr<const worker::Snapshot> snapshot) {
  divide_descriptors(*snapshot);
  for (auto& worker : workers) worker->apply(snapshot);
  sockets->follow(*snapshot, catalog->config().drain_timeout);
  divide_descriptors(*snapshot);
}

void Weir::Parts::divide_descriptors(const worker::Snapshot& snapshot) {
  // Standard streams, signals, store, log; a loop with its wake-up for each thread.
  constexpr std::size_t kFixed = 24;
  auto is_udp = [](const auto& listener) { return listener->config->protocol == config::ListenerProtocol::udp; };
  services.descriptors.divide({.limit = descriptor_limit,
                               .fixed = kFixed + 2 * (worker_count + 2) + sockets->descriptors(),
                               .wanted_clients = snapshot.max_connections,
                               .has_udp = std::ranges::any_of(snapshot.listeners, is_udp)});
}

// A certificate or another file that the configuration names was replaced.
net::Task<void> Weir::Parts::refresh_files() {
  if (draining) co_return;
  refreshing = true;
  control::Catalog::Outcome<void> outcome = co_await catalog->refresh();
  refreshing = false;
  if (outcome) {
    base::log_info("files of certificates have changed: those that are good are in use");
  } else if (const auto* faults = std::get_if<config::Faults>(&outcome.error())) {
    for (const config::Fault& fault : *faults) base::log_error("{}", config::format(fault));
  }
}

// The prober and the names follow what the configuration says.
void Weir::Parts::follow_generation() {
  if (publisher->generation() == followed_generation) return;
  followed_generation = publisher->generation();
  std::vector<std::string> hosts;
  for (const config::Pool& pool : catalog->config().pools) {
    for (const config::Backend& backend : pool.backends) {
      if (!base::IpAddress::parse(backend.host)) hosts.push_back(backend.host);
    }
  }
  names->set_names(hosts);
  prober->watch(publisher->watched());
}

std::shared_ptr<const pool::Addresses> Weir::Parts::resolve(const std::string& host, std::uint16_t port) const {
  const std::vector<base::IpAddress>* found = names->addresses(host);
  if (found == nullptr || found->empty()) return nullptr;
  auto addresses = std::make_shared<pool::Addresses>();
  for (const base::IpAddress& ip : *found) addresses->push_back({.ip = ip, .port = port});
  return addresses;
}

void Weir::Parts::transition(const health::Transition& news) {
  const pool::Backend& backend = *news.backend;
  publisher->set_health(backend, news.to, control_reactor.now());
  publisher->maybe_publish(control_reactor.now());
  poke();
  base::log(news.to == pool::BackendState::healthy ? base::LogLevel::info : base::LogLevel::warning,
            "backend {}/{}: {} -> {}: {}", backend.pool_name(), backend.id(), pool::name(news.from),
            pool::name(news.to), news.reason);
  std::string data = fmt::format(R"({{{},"pool":"{}","backend":"{}","from":"{}","to":"{}","reason":")",
                                 control::event_object("backend", backend.pool_name() + "/" + backend.id()),
                                 backend.pool_name(), backend.id(), pool::name(news.from), pool::name(news.to));
  base::append_json_escaped(data, news.reason);
  events.append("health", data + "\"}");
}

void Weir::Parts::tell_set_aside(const control::ObjectName& name, const std::string& reason) {
  std::string why;
  base::append_json_escaped(why, reason);
  events.append(reason.empty() ? "taken_back" : "set_aside",
                fmt::format("{{{}{}}}", control::event_object(name.kind, name.name),
                            reason.empty() ? "" : fmt::format(R"(,"reason":"{}")", why)));
}

// The drain timeout of a backend that was drained, disabled or removed begins, or begins anew.
void Weir::Parts::leave(const std::shared_ptr<pool::Backend>& backend, base::Nanoseconds timeout, bool removed) {
  base::TimePoint now = control_reactor.now();
  base::TimePoint when = now + timeout;
  backend->cut_off = false;
  leaving[backend.get()] = {.backend = backend, .when = when, .removed = removed};
  next_cut = std::min({next_cut, when, now + kForgetPause});
  poke();
}

// Closes what is in progress where the drain timeout has passed, and forgets the backends that nothing uses any more.
void Weir::Parts::cut_off_leaving(base::TimePoint now) {
  next_cut = base::TimePoint::max();
  std::erase_if(leaving, [&](const auto& entry) {
    const Leaving& one = entry.second;
    std::shared_ptr<pool::Backend> backend = one.backend.lock();
    if (backend == nullptr) return true;
    if (one.when > now) {
      next_cut = std::min({next_cut, one.when, now + kForgetPause});
      return false;
    }
    bool back = !one.removed && backend->takes_new_work();
    if (back) return true;
    backend->cut_off = true;
    for (auto& worker : workers) worker->break_connections(backend);
    return true;
  });
}

namespace {

// Why the configuration did not take effect, as errors of the file.
config::Faults faults_of(const control::Catalog::Refusal& refusal, const std::string& path) {
  if (const auto* faults = std::get_if<config::Faults>(&refusal)) return *faults;
  std::string why = "another change of the configuration takes too long";
  if (const auto* error = std::get_if<store::Error>(&refusal)) why = error->message;
  return {{.at = {.file = path}, .path = "store", .message = std::move(why)}};
}

// The event of a reload that was refused, with the first of its errors.
std::string failed_reload(const config::Faults& faults) {
  constexpr std::size_t kMost = 10;
  std::string data =
      fmt::format(R"({{"object":"configuration","id":"","result":"failure","count":{},"errors":[)", faults.size());
  for (std::size_t i = 0; i < std::min(faults.size(), kMost); ++i) {
    data += i == 0 ? "\"" : ",\"";
    base::append_json_escaped(data, config::format(faults[i]));
    data += '"';
  }
  return data + "]}";
}

}  // namespace

net::Task<void> Weir::Parts::follow_hangup() {
  api::Reloaded reloaded = co_await reload();
  static_cast<void>(reloaded);  // logged already
}

net::Task<api::Reloaded> Weir::Parts::reload() {
  if (access_log) access_log->reopen();
  if (options.config_path.empty()) {
    base::log_info("SIGHUP: logs reopened; there is no configuration file to read");
    co_return api::Reloaded();
  }
  // One after the other: each is compared with the file that is in effect.
  base::Result<control::ChangeQueue::Turn> turn = co_await reloads.enter(base::TimePoint::max());
  if (!turn)
    co_return api::Reloaded{
        .faults = {{.at = {.file = options.config_path}, .path = "", .message = turn.error().what}}};
  std::uint32_t slot = worker_count;
  auto refuse = [&](config::Faults faults) {
    for (const config::Fault& fault : faults) base::log_error("{}", config::format(fault));
    base::log_error("{} was not applied: {} error(s); the configuration stays as it was", options.config_path,
                    faults.size());
    reloads_failed.add(slot);
    last_reload_successful.set(slot, 0);
    events.append("reload", failed_reload(faults));
    return api::Reloaded{.faults = std::move(faults)};
  };
  auto read = config::read_file(options.config_path, kinds());
  if (!read) co_return refuse(read.error());
  config::Diff diff = config::diff(catalog->file(), *read);
  std::vector<std::string> needs_restart;
  // These settings take effect at a start only, so the new file is compared with what the process was started with.
  const config::Config& started_with = options.config;
  config::Diff since_start = config::diff(started_with, *read);
  if (started_with.admin.listen != read->admin.listen) needs_restart.emplace_back("admin.listen");
  if (since_start.store) needs_restart.emplace_back("store");
  if (since_start.workers) needs_restart.emplace_back("workers");
  bool loses_tokens = !catalog->file().admin.tokens.empty() && read->admin.tokens.empty();
  std::unique_ptr<access_log::Log> next_log;
  if (diff.access_log) {
    auto opened = open_access_log(read->access_log);
    if (!opened) co_return refuse({opened.error()});
    next_log = std::move(*opened);
  }
  control::Catalog::Outcome<void> outcome = co_await catalog->reload(std::move(*read));
  if (!outcome) co_return refuse(faults_of(outcome.error(), options.config_path));
  for (const std::string& line : config::summary(diff)) base::log_info("reload: {}", line);
  for (const std::string& key : needs_restart) {
    base::log_warning("reload: the change of {} takes effect with the next start", key);
  }
  if (loses_tokens) {
    base::log_warning("reload: there are no admin.tokens any more: everybody on this machine may use the admin API");
  }
  if (diff.access_log) replace_access_log(std::move(next_log));
  base::set_log_level(level_of(catalog->config().log_level));
  follow_generation();
  reloads_succeeded.add(slot);
  last_reload_successful.set(slot, 1);
  last_reload_at.set(slot, static_cast<std::uint64_t>(base::unix_milliseconds() / 1000));
  events.append("reload", R"({"object":"configuration","id":"","result":"success"})");
  base::log_info("reload: {} applied", options.config_path);
  co_return api::Reloaded{.needs_restart = std::move(needs_restart)};
}

// The old log ends only when no worker can still be writing to it. Nothing waits for that: its output may be stuck.
void Weir::Parts::replace_access_log(std::unique_ptr<access_log::Log> next) {
  services.access_log = next.get();
  std::unique_ptr<access_log::Log> old = std::exchange(access_log, std::move(next));
  if (old == nullptr) return;
  auto writers = std::make_shared<std::size_t>(workers.size());  // counted on the control thread
  for (auto& worker : workers) {
    worker->worker().reactor.post([this, writers, log = old.get()] {
      control_reactor.post([writers, log] {
        if (--*writers == 0) log->end();
      });
    });
  }
  replaced_logs.push_back(std::move(old));
}

void Weir::Parts::forget_ended_logs() {
  std::erase_if(replaced_logs, [this](const std::unique_ptr<access_log::Log>& log) {
    if (!log->has_ended()) return false;
    lines_dropped_before += log->dropped();
    return true;
  });
}

void Weir::Parts::begin_drain() {
  if (draining) return;
  draining = true;
  for (auto& worker : workers) worker->drain(catalog->config().drain_timeout);
  base::log_info("stopping: no new connections; those in progress have {} s",
                 std::chrono::duration_cast<seconds>(catalog->config().drain_timeout).count());
}

void Weir::Parts::worker_ended() {
  control_reactor.post([this] {
    if (--running_workers == 0) closing.spawn(close_all());
  });
}

// The chores first: they may still use everything else.
net::Task<void> Weir::Parts::close_all() {
  co_await admin->close();
  chores.cancel();
  co_await chores.join();
  co_await names->close();
  prober.reset();
  control_reactor.stop();
}

}  // namespace weir::app
