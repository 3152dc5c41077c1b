// A whole control plane without network: the catalog over a memory store, the publisher and the API.
#pragma once

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "api/api.h"
#include "balance/strategy.h"
#include "config/read.h"
#include "filter/filter.h"
#include "health/checker.h"
#include "net/task_group.h"
#include "net/wait.h"
#include "persist/method.h"
#include "store/memory_store.h"

namespace weir::api {

using Json = nlohmann::ordered_json;

inline const config::Kinds& all_kinds() {
  static const std::array kAll{config::Kind{"strategies", "algorithm", "", "", balance::strategies()},
                               config::Kind{"checkers", "health check type", "", "", health::checkers()},
                               config::Kind{"methods", "stickiness method", "", "", persist::methods()},
                               config::Kind{"filters", "filter", "", "", filter::filters()},
                               config::Kind{"stores", "store type", "", "", store::stores()}};
  static const config::Kinds kinds(kAll);
  return kinds;
}

template <typename T>
net::Task<void> keep_result(net::Task<T> task, std::optional<T>& result) {
  result.emplace(co_await task);
}

// The result of a task that waits for nothing.
template <typename T>
T at_once(net::Task<T> task) {
  std::optional<T> result;
  net::TaskGroup group;
  group.spawn(keep_result(std::move(task), result));
  EXPECT_EQ(group.size(), 0u);
  return std::move(*result);
}

// A memory store that can be told to fail, and to wait.
class FragileStore final : public store::Store {
 public:
  net::Task<store::Result<store::Contents>> load(base::TimePoint deadline) override {
    ++loads;
    if (cannot_load) co_return std::unexpected(store::Error{store::ErrorCode::unusable, "the store was told to fail"});
    co_return co_await inner_.load(deadline);
  }
  net::Task<store::Result<std::uint64_t>> commit(store::Commit commit, base::TimePoint deadline) override {
    ++tries;
    bool in_time = co_await wait(deadline);
    if (!in_time && !stores_late) {
      co_return std::unexpected(store::Error{store::ErrorCode::unavailable, "no answer in time"});
    }
    if (fails_with) co_return std::unexpected(store::Error{*fails_with, "the store was told to fail"});
    ++commits;
    store::Result<std::uint64_t> committed = co_await inner_.commit(std::move(commit), deadline);
    if (!in_time) co_return std::unexpected(store::Error{store::ErrorCode::uncertain, "no answer in time"});
    co_return committed;
  }
  net::Task<store::Result<std::uint64_t>> watch(std::uint64_t seen, base::TimePoint deadline) override {
    return inner_.watch(seen, deadline);
  }

  store::Contents contents() { return at_once(inner_.load({})).value(); }
  // As another Weir would.
  std::uint64_t put(std::vector<store::Change> changes) {
    store::Commit commit{.based_on = contents().revision, .changes = std::move(changes)};
    return at_once(inner_.commit(std::move(commit), {})).value();
  }
  // Lets those that wait go on.
  void release() {
    is_slow = false;
    for (net::Waiter* waiter : waiting_) waiter->wake();
  }

  std::optional<store::ErrorCode> fails_with;
  bool cannot_load = false;
  bool is_slow = false;      // commits wait for release()
  bool stores_late = false;  // commits that are given up take place all the same
  int loads = 0;
  int tries = 0;
  int commits = 0;

 private:
  net::Task<bool> wait(base::TimePoint deadline) {
    if (!is_slow) co_return true;
    net::Waiter waiter;
    waiting_.push_back(&waiter);
    base::Result<void> woken = co_await waiter.wait_until(deadline);
    std::erase(waiting_, &waiter);
    co_return woken.has_value();
  }
  store::MemoryStore inner_{std::make_shared<store::MemoryObjects>()};
  std::vector<net::Waiter*> waiting_;
};

// One Weir. `file` is YAML; without it Weir runs on its built-in configuration.
class ControlPlane {
 public:
  explicit ControlPlane(const std::string& file = "", FragileStore* shared_store = nullptr)
      : store(shared_store != nullptr ? *shared_store : own_store_),
        publisher({.workers = 2,
                   .registry = &registry,
                   .gather = std::chrono::milliseconds(20),
                   .resolve = [this](const std::string& host, std::uint16_t port) { return resolve(host, port); },
                   .resolve_error = [this](const std::string&) { return name_error; },
                   .publish = [this](std::shared_ptr<const worker::Snapshot> next) { published.push_back(next); },
                   .leave = [this](const std::shared_ptr<pool::Backend>& backend, config::Duration timeout,
                                   bool removed) { left.push_back({backend->id(), timeout, removed}); }}),
        catalog(store, publisher, all_kinds(), clock,
                {.prepare = [this](const control::Effective& wanted,
                                   control::Reading) { return prepare ? prepare(*wanted.config) : config::Faults(); },
                 .abandon = [this] { ++abandoned; },
                 .accept = {}}),
        api({.catalog = catalog,
             .publisher = publisher,
             .registry = registry,
             .events = events,
             .ejections = ejections,
             .clock = clock,
             .load_balancer_id = "weir-test",
             .version = "1.2.3",
             .health = [this](const pool::Backend&) { return health_details; },
             .is_draining = [this] { return draining; },
             .settle = [this] { return settle(); }}) {
    start = run(catalog.start(file.empty() ? config::built_in_config(all_kinds()) : read(file)));
  }
  ~ControlPlane() {
    tasks_.cancel();
    while (tasks_.size() > 0) turn();
  }

  static config::Config read(const std::string& yaml) {
    auto config = config::read_yaml(yaml, "weir.yaml", all_kinds());
    if (!config) {
      for (const config::Fault& fault : config.error()) ADD_FAILURE() << config::format(fault);
      return {};
    }
    return std::move(*config);
  }

  // The result of `task`, once it has one without time going on.
  template <typename T>
  T run(net::Task<T> task) {
    reactor_.adopt_thread();
    std::optional<T> result;
    tasks_.spawn(keep_result(std::move(task), result));
    for (int round = 0; !result && round < 100; ++round) turn();
    EXPECT_TRUE(result) << "it waits";
    return std::move(*result);
  }
  void run(net::Task<void> task) {
    reactor_.adopt_thread();
    tasks_.spawn(std::move(task));
    turn();
  }
  // Lets everything go on that can, after `time`.
  void turn(base::Nanoseconds time = {}) {
    reactor_.adopt_thread();
    // In steps that the reactor does not take for lateness of its own.
    constexpr base::Nanoseconds kStep = std::chrono::milliseconds(50);
    for (; time > base::Nanoseconds(0); time -= kStep) {
      clock.advance(std::min(time, kStep));
      reactor_.run_once(reactor_.now());
    }
    for (int round = 0; round < 4; ++round) reactor_.run_once(reactor_.now());
  }
  ApiResponse handle(const ApiRequest& request) { return run(api.handle(request)); }
  // A call that may wait: nothing until it is answered.
  using Pending = std::shared_ptr<std::optional<ApiResponse>>;
  Pending begin(const std::string& method, const std::string& target, const std::string& body = "") {
    reactor_.adopt_thread();
    auto answer = std::make_shared<std::optional<ApiResponse>>();
    ApiRequest request = local(method, target);
    request.body = body;
    if (!body.empty()) request.content_type = "application/json";
    tasks_.spawn(answer_later(std::move(request), answer));
    turn();
    return answer;
  }

  ApiResponse call(const std::string& method, const std::string& target, const std::string& body = "") {
    ApiRequest request = local(method, target);
    request.body = body;
    if (!body.empty()) request.content_type = "application/json";
    return handle(request);
  }
  static ApiRequest local(const std::string& method, const std::string& target) {
    auto question = target.find('?');
    ApiRequest request{.method = method, .path = target.substr(0, question)};
    if (question != std::string::npos) request.query = target.substr(question + 1);
    request.host = "127.0.0.1:9090";
    request.peer = "127.0.0.1:5555";
    request.peer_is_local = true;
    return request;
  }

  std::shared_ptr<const worker::Snapshot> snapshot() const { return publisher.snapshot(); }
  const worker::PoolSnapshot* pool(std::string_view name) const {
    for (const auto& pool : snapshot()->pools) {
      if (pool->config->name == name) return pool.get();
    }
    return nullptr;
  }
  net::Task<control::LateWorkers> settle() {
    if (workers_confirm != nullptr) static_cast<void>(co_await workers_confirm->wait_until(base::TimePoint::max()));
    co_return late;
  }
  // The ids that `pool_name` offers to new work.
  std::vector<std::string> eligible(std::string_view pool_name) const {
    std::vector<std::string> ids;
    for (const pool::BackendEntry& entry : pool(pool_name)->eligible) ids.push_back(entry.backend->id());
    return ids;
  }
  void publish_after(base::Nanoseconds time) {
    clock.advance(time);
    publisher.maybe_publish(clock.now());
  }

  struct Left {
    std::string id;
    config::Duration timeout;
    bool removed;
  };

  base::ManualClock clock;

 private:
  net::Task<void> answer_later(ApiRequest request, Pending answer) {
    ApiResponse response = co_await api.handle(request);
    answer->emplace(std::move(response));
  }
  net::Reactor reactor_{&clock};
  net::TaskGroup tasks_;

 public:
  metrics::Registry registry{4};
  std::map<std::string, pool::Addresses> names;  // what host names resolve to
  std::string name_error;                        // why others do not; empty: not known yet
  std::vector<std::shared_ptr<const worker::Snapshot>> published;
  std::vector<Left> left;
  std::optional<health::HealthDetails> health_details;
  std::function<config::Faults(const config::Config&)> prepare;
  int abandoned = 0;
  control::LateWorkers late;               // workers that do not use changes in time
  net::Waiter* workers_confirm = nullptr;  // so long changes wait for the workers
  bool draining = false;

 private:
  std::shared_ptr<const pool::Addresses> resolve(const std::string& host, std::uint16_t port) const {
    auto found = names.find(host);
    if (found == names.end()) return nullptr;
    pool::Addresses addresses = found->second;
    for (base::SocketAddress& address : addresses) address.port = port;
    return std::make_shared<const pool::Addresses>(std::move(addresses));
  }
  FragileStore own_store_;

 public:
  FragileStore& store;
  control::Publisher publisher;
  control::Catalog catalog;
  control::EventLog events;
  control::Ejections ejections{publisher, events};
  Api api;
  control::Catalog::Outcome<void> start;
};

inline Json json_of(const ApiResponse& response) {
  Json json = Json::parse(response.body, nullptr, false);
  EXPECT_FALSE(json.is_discarded()) << response.body;
  return json;
}

inline std::string header(const ApiResponse& response, std::string_view name) {
  for (const auto& [key, value] : response.headers) {
    if (key == name) return value;
  }
  return {};
}

inline const std::string kFile = R"(
listeners:
  - name: web
    address: 127.0.0.1:8081
    routes:
      - match: {path_prefix: /api}
        pool: api
    pool: site
  - name: second
    address: 127.0.0.1:8082
    pool: site
pools:
  - name: site
    backends:
      - {id: web-1, host: 10.0.0.1, port: 80}
      - {id: web-2, host: 10.0.0.2, port: 80, weight: 2}
  - name: api
    backends:
      - {id: api-1, host: 10.0.1.1, port: 80}
)";

}  // namespace weir::api
