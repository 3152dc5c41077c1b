#include "config/diff.h"

#include <functional>

#include "tests/unit/config/kinds_for_tests.h"

namespace weir::config {
namespace {

using Names = std::vector<std::string>;

Config sample() {
  return must_read(
      "pools:\n- {name: a, backends: ['h:1', 'h:2', 'h:3']}\n- {name: b}\n"
      "listeners:\n- {name: l, address: '127.0.0.1:80', pool: a, routes: [{respond: 404}]}\n");
}

Diff changed(const std::function<void(Config&)>& change) {
  Config newer = sample();
  change(newer);
  return diff(sample(), newer);
}

TEST(Diff, IsEmptyForEqualConfigurations) {
  Diff none = diff(sample(), sample());
  EXPECT_TRUE(none.empty());
  EXPECT_TRUE(summary(none).empty());
}

TEST(Diff, IgnoresWhereObjectsAreWritten) {
  EXPECT_TRUE(changed([](Config& c) {
                c.pools[0].origin.line = 99;
                c.pools[0].backends[1].origin.line = 100;
                c.listeners[0].origin.line = 1;
                c.listeners[0].routes[0].origin.column = 7;
              }).empty());
}

TEST(Diff, NamesPoolsAddedRemovedAndChanged) {
  Diff result = changed([](Config& c) {
    c.pools[0].slow_start = Duration(1);
    c.pools[1].name = "c";
  });
  EXPECT_EQ(result.pools_added, Names{"c"});
  EXPECT_EQ(result.pools_removed, Names{"b"});
  ASSERT_EQ(result.pools_changed.size(), 1u);
  EXPECT_TRUE(result.pools_changed[0].settings);
  EXPECT_TRUE(result.pools_changed[0].backends.empty());
}

TEST(Diff, NamesBackendsAddedRemovedAndChanged) {
  Diff result = changed([](Config& c) {
    auto& backends = c.pools[0].backends;
    backends[0].weight = 5;
    backends[1].port = 22;
    backends[2].id = "new";
  });
  ASSERT_EQ(result.pools_changed.size(), 1u);
  const BackendsDiff& backends = result.pools_changed[0].backends;
  EXPECT_EQ(backends.changed, Names{"h:1"});
  EXPECT_EQ(backends.added, (Names{"h:2", "new"}));
  EXPECT_EQ(backends.removed, (Names{"h:2", "h:3"}));
  EXPECT_FALSE(result.pools_changed[0].settings);
  EXPECT_EQ(summary(result), Names{"pool a: 2 backends added (h:2, new), 2 backends removed (h:2, h:3), 1 backend "
                                   "changed (h:1)"});
}

TEST(Diff, TellsWhatOfAListenerChanged) {
  Diff address = changed([](Config& c) { c.listeners[0].address = "127.0.0.1:81"; });
  ASSERT_EQ(address.listeners_changed.size(), 1u);
  EXPECT_TRUE(address.listeners_changed[0].address);
  EXPECT_FALSE(address.listeners_changed[0].routes || address.listeners_changed[0].settings);
  EXPECT_TRUE(
      changed([](Config& c) { c.listeners[0].protocol = ListenerProtocol::tcp; }).listeners_changed[0].protocol);
  EXPECT_TRUE(changed([](Config& c) { c.listeners[0].routes[0].respond->status = 500; }).listeners_changed[0].routes);
  EXPECT_TRUE(changed([](Config& c) { c.listeners[0].routes.clear(); }).listeners_changed[0].routes);
  EXPECT_TRUE(changed([](Config& c) { c.listeners[0].via = "x"; }).listeners_changed[0].settings);
  EXPECT_TRUE(changed([](Config& c) { c.listeners[0].min_rate.bytes_per_second = 0; }).listeners_changed[0].settings);
  EXPECT_TRUE(
      changed([](Config& c) { c.listeners[0].max_connection_age = Duration(1); }).listeners_changed[0].settings);
  EXPECT_TRUE(changed([](Config& c) { c.listeners[0].pool = "b"; }).listeners_changed[0].settings);
  EXPECT_TRUE(changed([](Config& c) { c.listeners[0].trusted_proxies.emplace_back(); }).listeners_changed[0].settings);
}

TEST(Diff, TellsWhichGlobalPartsChanged) {
  EXPECT_TRUE(changed([](Config& c) { c.workers = 9; }).workers);
  EXPECT_TRUE(changed([](Config& c) { c.admin.listen = "127.0.0.1:1"; }).admin);
  EXPECT_TRUE(changed([](Config& c) { c.store.name = "x"; }).store);
  EXPECT_TRUE(changed([](Config& c) { c.access_log.enabled = false; }).access_log);
  EXPECT_TRUE(changed([](Config& c) { c.timeouts.idle = Duration(1); }).other);
  EXPECT_TRUE(changed([](Config& c) { c.log_level = "debug"; }).other);
}

TEST(Diff, SummarizesEveryKindOfChange) {
  Diff result = changed([](Config& c) {
    c.listeners[0].via = "x";
    c.listeners[0].routes.clear();
    c.listeners.push_back(c.listeners[0]);
    c.listeners[1].name = "m";
    c.pools.erase(c.pools.begin() + 1);
    c.pools[0].min_healthy = 1;
    c.workers = 2;
  });
  EXPECT_EQ(summary(result), (Names{"listener m: added", "listener l: routes, settings changed", "pool b: removed",
                                    "pool a: settings changed", "workers changed"}));
}

TEST(Diff, ShortensLongListsOfBackends) {
  Diff result = changed([](Config& c) {
    for (std::uint16_t port = 10; port < 20; ++port) {
      Backend& added = c.pools[0].backends.emplace_back();
      added.id = "n" + std::to_string(port);
      added.port = port;
    }
  });
  EXPECT_EQ(summary(result), Names{"pool a: 10 backends added (n10, n11, n12, n13, n14, ...)"});
}

}  // namespace
}  // namespace weir::config
