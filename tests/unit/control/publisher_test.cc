#include "control/publisher.h"

#include <ctime>

#include "tests/unit/api/fixture.h"

namespace weir::control {
namespace {

using api::ControlPlane;
using api::Json;
using api::kFile;

using pool::BackendState;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

// A plane whose file can be changed.
class PublisherTest : public testing::Test {
 protected:
  void reload(const std::string& yaml) {
    Catalog::Outcome<void> outcome = plane.run(plane.catalog.reload(ControlPlane::read(yaml)));
    EXPECT_TRUE(outcome);
  }
  std::shared_ptr<pool::Backend> backend(const std::string& pool, const std::string& id) {
    return plane.publisher.find({pool, id});
  }
  void set_health(const std::string& id, BackendState state) {
    plane.publisher.set_health(*backend("site", id), state, plane.clock.now());
  }

  ControlPlane plane{kFile};
};

TEST_F(PublisherTest, PublishesTheWholeConfigurationAtTheStart) {
  ASSERT_EQ(plane.published.size(), 1u);
  const worker::Snapshot& snapshot = *plane.published[0];
  EXPECT_EQ(snapshot.version, 1u);
  ASSERT_EQ(snapshot.pools.size(), 2u);
  ASSERT_EQ(snapshot.listeners.size(), 2u);
  EXPECT_EQ(snapshot.pool_of_route, (std::vector<std::vector<std::uint32_t>>{{1, 0}, {0}}));
  EXPECT_THAT(plane.eligible("site"), ElementsAre("web-1", "web-2"));
  EXPECT_EQ(plane.pool("site")->eligible[1].weight, 2u);
  EXPECT_EQ(plane.pool("site")->eligible[0].addresses->front().to_string(), "10.0.0.1:80");
}

TEST_F(PublisherTest, RoutesWithoutAPoolAndListenersWithoutADefaultHaveNone) {
  reload(replaced(kFile, "        pool: api\n    pool: site\n", "        redirect: {to: /new}\n"));
  EXPECT_EQ(plane.snapshot()->pool_of_route[0], (std::vector<std::uint32_t>{worker::kNoPool, worker::kNoPool}));
}

TEST_F(PublisherTest, BackendsStayTheSameObjectsOverChanges) {
  auto before = backend("site", "web-1");
  before->in_flight = 7;
  reload(replaced(kFile, "port: 80}\n      - {id: web-2", "port: 80, weight: 9}\n      - {id: web-2"));
  EXPECT_EQ(backend("site", "web-1"), before);
  EXPECT_EQ(plane.pool("site")->eligible[0].weight, 9u);
  EXPECT_EQ(plane.pool("site")->eligible[0].backend->in_flight, 7u);
}

TEST_F(PublisherTest, ABackendAtAnotherPortIsAnotherBackend) {
  auto before = backend("site", "web-1");
  reload(replaced(kFile, "host: 10.0.0.1, port: 80", "host: 10.0.0.1, port: 81"));
  EXPECT_NE(backend("site", "web-1"), before);
  EXPECT_EQ(before->state, BackendState::draining);
  ASSERT_EQ(plane.left.size(), 1u);
  EXPECT_TRUE(plane.left[0].removed);
}

TEST_F(PublisherTest, SharesPoolsAndListenersThatDidNotChange) {
  auto before = plane.snapshot();
  reload(replaced(kFile, "id: api-1, host: 10.0.1.1", "id: api-1, host: 10.0.1.2"));
  auto after = plane.snapshot();
  EXPECT_EQ(after->pools[0], before->pools[0]);
  EXPECT_NE(after->pools[1], before->pools[1]);
  EXPECT_EQ(after->listeners, before->listeners);
}

TEST_F(PublisherTest, AListenerKeepsItsIdUntilItsAddressChanges) {
  std::uint32_t id = plane.snapshot()->listeners[0]->id;
  reload(replaced(kFile, "path_prefix: /api", "path_prefix: /v2"));
  EXPECT_EQ(plane.snapshot()->listeners[0]->id, id);
  reload(replaced(kFile, "8081", "8091"));
  EXPECT_NE(plane.snapshot()->listeners[0]->id, id);
}

TEST_F(PublisherTest, AnotherAlgorithmKeepsWorkInProgressCounted) {
  auto web_1 = backend("site", "web-1");
  web_1->in_flight = 3;
  reload(replaced(kFile, "  - name: site\n", "  - name: site\n    algorithm: least_connections\n"));
  ASSERT_EQ(plane.pool("site")->eligible[0].backend, web_1);
  base::Random random(1);
  balance::PickContext context;
  context.now = plane.clock.now();
  context.random = &random;
  EXPECT_EQ(plane.pool("site")->strategy->pick(context), 1u) << "web-2 has nothing in progress";
}

TEST_F(PublisherTest, ARemovedBackendTakesNoWorkAndLeavesWithThePoolsTimeout) {
  auto before = backend("site", "web-1");
  reload(replaced(kFile, "      - {id: web-1, host: 10.0.0.1, port: 80}\n", ""));
  EXPECT_THAT(plane.eligible("site"), ElementsAre("web-2"));
  EXPECT_EQ(before->state, BackendState::draining);
  EXPECT_EQ(plane.publisher.find({"site", "web-1"}), nullptr);
  ASSERT_EQ(plane.left.size(), 1u);
  EXPECT_EQ(plane.left[0].id, "web-1");
  EXPECT_EQ(plane.left[0].timeout, seconds(300));
}

TEST_F(PublisherTest, ADisabledBackendLeavesLikeADrainingOne) {
  reload(replaced(kFile, "id: web-1, host: 10.0.0.1, port: 80", "id: web-1, host: 10.0.0.1, port: 80, enabled: false"));
  ASSERT_EQ(plane.left.size(), 1u);
  EXPECT_EQ(plane.left[0].id, "web-1");
  EXPECT_EQ(plane.left[0].timeout, seconds(300));
  EXPECT_FALSE(plane.left[0].removed);
  EXPECT_EQ(plane.call("POST", "/backends/web-2/drain").status, 200);
  EXPECT_EQ(plane.call("POST", "/backends/web-2/disable").status, 200);
  EXPECT_EQ(plane.left.size(), 2u) << "the drain that has begun goes on";
}

TEST_F(PublisherTest, AListenerIsAnotherOneWhenItsSocketsMustDiffer) {
  std::uint32_t id = plane.snapshot()->listeners[1]->id;
  std::string relayed = replaced(kFile, "address: 127.0.0.1:8082", "address: 127.0.0.1:8082\n    protocol: tcp");
  reload(relayed);
  EXPECT_NE(plane.snapshot()->listeners[1]->id, id) << "keepalive is on for what is relayed";
}

TEST_F(PublisherTest, HealthDecidesWhoTakesWork) {
  set_health("web-1", BackendState::unhealthy);
  plane.publish_after(milliseconds(20));
  EXPECT_THAT(plane.eligible("site"), ElementsAre("web-2"));
  EXPECT_EQ(backend("site", "web-1")->state, BackendState::unhealthy);
  set_health("web-1", BackendState::healthy);
  plane.publish_after(milliseconds(20));
  EXPECT_THAT(plane.eligible("site"), ElementsAre("web-1", "web-2"));
}

TEST_F(PublisherTest, HealthOfABackendThatIsGoneIsIgnored) {
  auto gone = backend("site", "web-1");
  reload(replaced(kFile, "host: 10.0.0.1, port: 80", "host: 10.0.0.1, port: 81"));
  plane.publisher.set_health(*gone, BackendState::unhealthy, plane.clock.now());
  EXPECT_EQ(backend("site", "web-1")->state, BackendState::unknown);
}

TEST_F(PublisherTest, GathersABurstOfChangesIntoOneSnapshot) {
  plane.publish_after(seconds(1));
  std::size_t before = plane.published.size();
  set_health("web-1", BackendState::unhealthy);
  EXPECT_TRUE(plane.publisher.maybe_publish(plane.clock.now())) << "the first after a pause goes out at once";
  set_health("web-1", BackendState::healthy);
  set_health("web-2", BackendState::unhealthy);
  EXPECT_FALSE(plane.publisher.maybe_publish(plane.clock.now()));
  EXPECT_EQ(plane.publisher.next_due(), plane.clock.now() + milliseconds(20));
  plane.publish_after(milliseconds(19));
  EXPECT_EQ(plane.published.size(), before + 1);
  plane.publish_after(milliseconds(1));
  EXPECT_EQ(plane.published.size(), before + 2);
  EXPECT_THAT(plane.eligible("site"), ElementsAre("web-1"));
  EXPECT_EQ(plane.publisher.next_due(), std::nullopt);
}

TEST_F(PublisherTest, WhatTheApiShowsIsPublished) {
  set_health("web-1", BackendState::unhealthy);
  plane.publish_after(seconds(1));
  EXPECT_THAT(plane.eligible("site"), ElementsAre("web-2"));
  set_health("web-1", BackendState::healthy);
  EXPECT_FALSE(plane.publisher.maybe_publish(plane.clock.now())) << "more may come";
  EXPECT_EQ(Json::parse(plane.call("GET", "/backends/web-1").body)["status"], "healthy");
  EXPECT_THAT(plane.eligible("site"), ElementsAre("web-1", "web-2"));
  std::size_t before = plane.published.size();
  plane.call("GET", "/metrics");
  EXPECT_EQ(plane.published.size(), before) << "nothing has changed since";
}

TEST_F(PublisherTest, NothingIsPublishedWhenNothingChanged) {
  set_health("web-1", BackendState::unknown);
  plane.publish_after(seconds(1));
  plane.publisher.mark_dirty("nobody");
  plane.publish_after(seconds(1));
  EXPECT_EQ(plane.published.size(), 1u);
}

TEST_F(PublisherTest, AMarkedPoolIsBuiltAgain) {
  auto before = plane.snapshot();
  plane.publisher.mark_dirty("api");
  plane.publish_after(seconds(1));
  EXPECT_EQ(plane.snapshot()->pools[0], before->pools[0]);
  EXPECT_NE(plane.snapshot()->pools[1], before->pools[1]);
}

TEST_F(PublisherTest, TooFewHealthyOnesBringTheOthersBack) {
  reload(replaced(kFile, "  - name: site\n", "  - name: site\n    min_healthy: 1\n"));
  set_health("web-1", BackendState::unhealthy);
  set_health("web-2", BackendState::unhealthy);
  plane.publish_after(seconds(1));
  EXPECT_THAT(plane.eligible("site"), ElementsAre("web-1", "web-2"));
  EXPECT_TRUE(plane.pool("site")->degraded);
}

TEST_F(PublisherTest, ANameWithoutAddressesTakesNoWorkUntilItResolves) {
  reload(replaced(kFile, "host: 10.0.0.1", "host: web.example"));
  EXPECT_THAT(plane.eligible("site"), ElementsAre("web-2"));
  plane.names["web.example"] = {{*base::IpAddress::parse("10.9.9.9"), 0}};
  plane.publisher.addresses_changed("web.example");
  plane.publish_after(seconds(1));
  EXPECT_THAT(plane.eligible("site"), ElementsAre("web-1", "web-2"));
  EXPECT_EQ(plane.pool("site")->eligible[0].addresses->front().to_string(), "10.9.9.9:80");
  plane.names.clear();
  plane.publisher.addresses_changed("web.example");
  plane.publish_after(seconds(1));
  EXPECT_THAT(plane.eligible("site"), ElementsAre("web-2"));
}

TEST_F(PublisherTest, APoolOfNamesTakesWorkBeforeTheirFirstLookUpHasEndedUnlessTheyDoNotResolve) {
  reload(replaced(kFile, "host: 10.0.1.1", "host: api.example"));
  EXPECT_THAT(plane.eligible("api"), ElementsAre("api-1"));
  EXPECT_EQ(plane.pool("api")->eligible[0].addresses, nullptr) << "work that comes waits for the look-up";
  plane.name_error = "no such name";
  plane.publisher.addresses_changed("api.example");
  plane.publish_after(seconds(1));
  EXPECT_THAT(plane.eligible("api"), IsEmpty());
  EXPECT_EQ(plane.publisher.standing({"api", "api-1"}).name_error, "no such name");
}

TEST_F(PublisherTest, ABackendWithAPathOfItsOwnIsProbedByHttpInAPoolByTcp) {
  reload(replaced(kFile, "id: api-1, host: 10.0.1.1", "id: api-1, health_check_path: /up, host: 10.0.1.1"));
  std::map<std::string, std::string> checkers;
  for (const health::WatchedBackend& watched : plane.publisher.watched()) {
    checkers[watched.backend->id()] = watched.check->checker.name;
  }
  EXPECT_EQ(checkers["api-1"], "http");
  EXPECT_EQ(checkers["web-1"], "tcp");
}

TEST_F(PublisherTest, ARecoveredBackendStartsSlowly) {
  reload(replaced(kFile, "  - name: site\n", "  - name: site\n    slow_start: 18s\n"));
  EXPECT_EQ(plane.pool("site")->eligible[0].slow_start_percent, 100u) << "nobody ramps at the start";
  set_health("web-1", BackendState::unhealthy);
  plane.publish_after(seconds(1));
  set_health("web-1", BackendState::healthy);
  plane.publish_after(seconds(1));
  std::uint32_t first = plane.pool("site")->eligible[0].slow_start_percent;
  EXPECT_LT(first, 20u);
  EXPECT_EQ(plane.pool("site")->eligible[1].slow_start_percent, 100u);
  for (int step = 0; step < 20; ++step) {
    if (auto due = plane.publisher.next_due()) plane.publish_after(*due - plane.clock.now());
  }
  EXPECT_EQ(plane.pool("site")->eligible[0].slow_start_percent, 100u);
  EXPECT_EQ(plane.publisher.next_due(), std::nullopt);
}

TEST_F(PublisherTest, ABackendAddedLaterStartsSlowly) {
  std::string slow = replaced(kFile, "  - name: site\n", "  - name: site\n    slow_start: 18s\n");
  reload(slow);
  reload(replaced(slow, "    backends:\n", "    backends:\n      - {id: new, host: 10.0.0.3, port: 80}\n"));
  EXPECT_EQ(plane.pool("site")->eligible[0].backend->id(), "new");
  EXPECT_EQ(plane.pool("site")->eligible[0].slow_start_percent, 10u);
}

TEST_F(PublisherTest, TellsTheProberOfEveryBackendOnce) {
  std::vector<health::WatchedBackend> watched = plane.publisher.watched();
  ASSERT_EQ(watched.size(), 3u);
  EXPECT_EQ(watched[0].backend->id(), "api-1");
  EXPECT_EQ(watched[1].check, watched[2].check) << "of one pool";
  EXPECT_EQ(watched[0].addresses->front().to_string(), "10.0.1.1:80");
}

TEST_F(PublisherTest, MetricsOfARemovedBackendStayWhileItIsInUse) {
  auto held = backend("site", "web-1");
  plane.registry.counter("weir_test_total", "test", {{"pool", "site"}, {"backend", "web-1"}});
  reload(replaced(kFile, "      - {id: web-1, host: 10.0.0.1, port: 80}\n", ""));
  plane.published.clear();
  plane.publish_after(seconds(1));
  EXPECT_EQ(plane.registry.series_count("weir_test_total"), 1u);
  held.reset();
  plane.publish_after(seconds(1));
  EXPECT_EQ(plane.registry.series_count("weir_test_total"), 0u);
}

TEST_F(PublisherTest, MetricsOfARouteEndWithTheLastListenerThatHadIt) {
  auto with_route = [](const char* name) {
    return replaced(kFile, "- match: {path_prefix: /api}",
                    fmt::format("- name: {}\n        match: {{path_prefix: /api}}", name));
  };
  reload(with_route("old"));
  plane.registry.counter("weir_test_total", "test", {{"route", "old"}});
  plane.registry.counter("weir_test_total", "test", {{"route", "new"}});
  auto held = plane.snapshot();
  reload(replaced(with_route("old"), "path_prefix: /api", "path_prefix: /other"));
  reload(with_route("new"));
  plane.published.clear();
  plane.publish_after(seconds(1));
  EXPECT_EQ(plane.registry.series_count("weir_test_total"), 2u) << "exchanges of the old snapshot may go on";
  held.reset();
  plane.publish_after(seconds(1));
  EXPECT_EQ(plane.registry.series_count("weir_test_total"), 1u);
  reload(
      replaced(with_route("other"), "  - name: second\n", "  - name: second\n    routes: [{name: new, pool: api}]\n"));
  plane.published.clear();
  plane.publish_after(seconds(1));
  EXPECT_EQ(plane.registry.series_count("weir_test_total"), 1u) << "another listener has it now";
}

TEST_F(PublisherTest, MetricsOfABackendThatCameBackStay) {
  plane.registry.counter("weir_test_total", "test", {{"pool", "site"}, {"backend", "web-1"}});
  reload(replaced(kFile, "      - {id: web-1, host: 10.0.0.1, port: 80}\n", ""));
  reload(kFile);
  plane.published.clear();
  plane.publish_after(seconds(1));
  EXPECT_EQ(plane.registry.series_count("weir_test_total"), 1u);
}

// 10,000 backends in 100 pools behind 1,000 routes.
std::string large_file(int weight) {
  std::string yaml = "listeners:\n  - name: web\n    address: 127.0.0.1:8081\n    pool: p0\n    routes:\n";
  for (int i = 0; i < 1000; ++i) {
    yaml += fmt::format("      - {{match: {{host: h{}.example, path_prefix: /a}}, pool: p{}}}\n", i, i % 100);
  }
  yaml += "pools:\n";
  for (int p = 0; p < 100; ++p) {
    yaml += fmt::format("  - name: p{}\n    backends:\n", p);
    for (int b = 0; b < 100; ++b) {
      yaml += fmt::format("      - {{host: 10.0.{}.{}, port: 80, weight: {}}}\n", p, b, b == 0 ? weight : 1);
    }
  }
  return yaml;
}

// CPU time of this thread, so that what else the machine does is not counted.
double cpu_ms() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr double kLimitMs = 2000;  // instrumented code is many times slower
#else
constexpr double kLimitMs = 100;
#endif

struct LargeChange {
  double fresh_ms = 0;
  double changed_ms = 0;
};

LargeChange apply_large_files() {
  config::Config first = ControlPlane::read(large_file(1)), second = ControlPlane::read(large_file(2));
  ControlPlane plane{kFile};
  auto timed = [](auto&& work) {
    double before = cpu_ms();
    work();
    return cpu_ms() - before;
  };
  auto reload = [&](config::Config config) {
    return timed([&] { EXPECT_TRUE(plane.run(plane.catalog.reload(std::move(config)))); });
  };
  double fresh_ms = reload(std::move(first));
  EXPECT_EQ(plane.publisher.watched().size(), 10'000u);
  EXPECT_EQ(plane.snapshot()->listeners[0]->config->routes.size(), 1000u);
  double changed_ms = reload(std::move(second));
  EXPECT_THAT(plane.left, testing::SizeIs(3)) << "only the first file's backends left";
  double health_ms = timed([&] {
    plane.publisher.mark_dirty("p7");
    plane.publish_after(seconds(1));
  });
  double one_ms = timed(
      [&] { EXPECT_EQ(plane.call("POST", "/backends", R"({"address": "10.200.0.1:80", "pool": "p7"})").status, 201); });
  fmt::print(
      "10,000 backends and 1,000 routes: applied in {:.1f} ms, every pool changed in {:.1f} ms, one pool's health "
      "in {:.2f} ms, one POST /backends in {:.1f} ms of CPU\n",
      fresh_ms, changed_ms, health_ms, one_ms);
  return {fresh_ms, changed_ms};
}

// The best of a few: other programs on the machine may cost this one twice the time.
TEST(PublisherOfALargeConfiguration, AppliesInUnderAHundredMilliseconds) {
  LargeChange best = apply_large_files();
  for (int again = 0; again < 4 && std::max(best.fresh_ms, best.changed_ms) >= kLimitMs; ++again) {
    LargeChange next = apply_large_files();
    best = {std::min(best.fresh_ms, next.fresh_ms), std::min(best.changed_ms, next.changed_ms)};
  }
  EXPECT_LT(best.fresh_ms, kLimitMs);
  EXPECT_LT(best.changed_ms, kLimitMs);
}

}  // namespace
}  // namespace weir::control
