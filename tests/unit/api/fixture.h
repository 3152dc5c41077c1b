// A whole control plane without network: the catalog over a memory store, the publisher and the API.
#pragma once

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
#include "health/checker.h"
#include "persist/method.h"

namespace weir::api {

using Json = nlohmann::ordered_json;

inline const config::Kinds& all_kinds() {
  static const std::array kAll{config::Kind{"strategies", "algorithm", "", "", balance::strategies()},
                               config::Kind{"checkers", "health check type", "", "", health::checkers()},
                               config::Kind{"methods", "stickiness method", "", "", persist::methods()},
                               config::Kind{"stores", "store type", "", "", store::stores()}};
  static const config::Kinds kinds(kAll);
  return kinds;
}

// A memory store that can be told to fail.
class FragileStore final : public store::Store {
 public:
  FragileStore() : inner_(store::open_store({.name = "memory", .options = {}}).value()) {}
  store::StoreResult<store::StoreContents> load() override {
    if (cannot_load)
      return std::unexpected(store::StoreError{store::StoreFault::unusable, "the store was told to fail"});
    return inner_->load();
  }
  store::StoreResult<std::uint64_t> commit(std::span<const store::StoreChange> changes) override {
    if (fails_with) return std::unexpected(store::StoreError{*fails_with, "the store was told to fail"});
    ++commits;
    return inner_->commit(changes);
  }
  std::optional<store::StoreFault> fails_with;
  bool cannot_load = false;
  int commits = 0;

 private:
  std::unique_ptr<store::Store> inner_;
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
        catalog(store, publisher, all_kinds(),
                {.prepare = [this](const control::Effective& wanted,
                                   control::Reading) { return prepare ? prepare(*wanted.config) : config::Faults(); },
                 .abandon = [this] { ++abandoned; },
                 .accept = {}}),
        api({.catalog = catalog,
             .publisher = publisher,
             .registry = registry,
             .events = events,
             .clock = clock,
             .load_balancer_id = "weir-test",
             .version = "1.2.3",
             .health = [this](const pool::Backend&) { return health_details; },
             .is_draining = [this] { return draining; }}) {
    start = catalog.start(file.empty() ? config::built_in_config(all_kinds()) : read(file), clock.now());
  }

  static config::Config read(const std::string& yaml) {
    auto config = config::read_yaml(yaml, "weir.yaml", all_kinds());
    if (!config) {
      for (const config::Fault& fault : config.error()) ADD_FAILURE() << config::format(fault);
      return {};
    }
    return std::move(*config);
  }

  ApiResponse call(const std::string& method, const std::string& target, const std::string& body = "") {
    ApiRequest request = local(method, target);
    request.body = body;
    if (!body.empty()) request.content_type = "application/json";
    return api.handle(request);
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
  metrics::Registry registry{4};
  std::map<std::string, pool::Addresses> names;  // what host names resolve to
  std::string name_error;                        // why others do not; empty: not known yet
  std::vector<std::shared_ptr<const worker::Snapshot>> published;
  std::vector<Left> left;
  std::optional<health::HealthDetails> health_details;
  std::function<config::Faults(const config::Config&)> prepare;
  int abandoned = 0;
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
  Api api;
  control::Catalog::Outcome start;
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
