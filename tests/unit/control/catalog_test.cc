// File, API objects and store together.
#include "control/catalog.h"

#include "tests/unit/control/fixture.h"

namespace weir::control {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string why(const Catalog::Outcome& outcome) {
  EXPECT_FALSE(outcome);
  if (outcome) return {};
  if (const auto* faults = std::get_if<config::Faults>(&outcome.error())) {
    std::string text;
    for (const config::Fault& fault : *faults) text += config::format(fault) + "\n";
    return text;
  }
  return std::get<StoreError>(outcome.error()).message;
}

persist::StickyKey sticky_key(const ControlPlane& plane) { return plane.catalog.effective().sticky_key; }

TEST(Catalog, BringsBackWhatTheApiMade) {
  FragileStore store;
  std::string pools, listeners, rules;
  {
    ControlPlane first("", &store);
    EXPECT_EQ(
        first.call("POST", "/pools", R"({"name": "p", "algorithm": {"type": "consistent_hash"}, "min_healthy": 2})")
            .status,
        201);
    EXPECT_EQ(first.call("POST", "/backends", R"({"address": "[2001:db8::1]:80", "pool": "p", "weight": 3})").status,
              201);
    EXPECT_EQ(
        first.call("POST", "/backends", R"({"host": "a.example", "port": 80, "pool": "p", "id": "named"})").status,
        201);
    EXPECT_EQ(first.call("POST", "/listeners", R"({"name": "l", "address": "127.0.0.1:8099", "pool": "p"})").status,
              201);
    EXPECT_EQ(first.call("PUT", "/routing-rules/r", R"({"path_prefix": "/r", "backends": ["named"]})").status, 201);
    EXPECT_EQ(first.call("POST", "/backends/named/disable").status, 200);
    pools = first.call("GET", "/pools").body;
    listeners = first.call("GET", "/listeners").body;
    rules = first.call("GET", "/routing-rules").body;
  }
  ControlPlane second("", &store);
  ASSERT_TRUE(second.start);
  EXPECT_EQ(second.call("GET", "/pools").body, pools);
  EXPECT_EQ(second.call("GET", "/listeners").body, listeners);
  EXPECT_EQ(second.call("GET", "/routing-rules").body, rules);
  EXPECT_EQ(json_of(second.call("GET", "/backends/named"))["status"], "disabled");
  for (const char* path : {"/routing-rules/r", "/backends/named", "/listeners/l", "/pools/p"}) {
    EXPECT_EQ(second.call("DELETE", path).status, 200) << path;
  }
  EXPECT_THAT(store.load()->objects, IsEmpty());
}

TEST(Catalog, AClashOfNamesIsAnErrorNeverAnOverride) {
  FragileStore store;
  {
    ControlPlane plane("", &store);
    plane.call("POST", "/pools", R"({"name": "site"})");
    plane.call("POST", "/listeners", R"({"name": "web", "address": "127.0.0.1:8099"})");
    plane.call("PUT", "/listeners/second", R"({"address": "127.0.0.1:8100", "pool": "site"})");
  }
  ControlPlane plane(kFile, &store);
  std::string text = why(plane.start);
  EXPECT_THAT(text, HasSubstr("weir.yaml:13"));
  EXPECT_THAT(text, HasSubstr("pool site"));
  EXPECT_THAT(text, HasSubstr("listener second"));
  EXPECT_THAT(plane.published, IsEmpty());
}

TEST(Catalog, AReloadThatClashesLeavesEverythingAsItWas) {
  ControlPlane plane(kFile);
  plane.call("POST", "/pools", R"({"name": "extra"})");
  auto before = plane.snapshot();
  std::string file = kFile + "  - name: extra\n";
  EXPECT_THAT(why(plane.catalog.reload(ControlPlane::read(file), plane.clock.now())), HasSubstr("pool extra"));
  EXPECT_EQ(plane.snapshot(), before);
  EXPECT_EQ(plane.catalog.file().pools.size(), 2u);
  EXPECT_EQ(plane.call("DELETE", "/pools/extra").status, 200);
  EXPECT_TRUE(plane.catalog.reload(ControlPlane::read(file), plane.clock.now()));
  EXPECT_NE(plane.pool("extra"), nullptr);
}

TEST(Catalog, AReloadThatTakesThePoolOfAnApiBackendAwayIsRefused) {
  ControlPlane plane(kFile);
  plane.call("POST", "/backends", R"({"address": "10.0.0.9:80", "pool": "api"})");
  std::string file = kFile.substr(0, kFile.find("  - name: api"));
  file.replace(file.find("pool: api"), 9, "pool: site");
  EXPECT_THAT(why(plane.catalog.reload(ControlPlane::read(file), plane.clock.now())),
              HasSubstr("backend api/10.0.0.9:80"));
}

TEST(Catalog, ABackendOfTheFileThatClashesWithOneOfTheApiIsRefused) {
  ControlPlane plane(kFile);
  plane.call("POST", "/backends", R"({"address": "10.0.0.9:80", "pool": "api", "id": "x"})");
  for (const char* added :
       {"      - {id: other, host: 10.0.0.9, port: 80}\n", "      - {id: x, host: 10.0.0.8, port: 80}\n"}) {
    EXPECT_FALSE(plane.catalog.reload(ControlPlane::read(kFile + added), plane.clock.now())) << added;
  }
}

TEST(Catalog, AReloadKeepsOverridesOfWhatStaysAndDropsTheRest) {
  FragileStore store;
  ControlPlane plane(kFile, &store);
  plane.call("POST", "/backends/web-1/disable");
  plane.call("POST", "/backends/api-1/disable");
  std::string without = kFile;
  without.erase(without.find("      - {id: web-1"),
                without.find("      - {id: web-2") - without.find("      - {id: web-1"));
  ASSERT_TRUE(plane.catalog.reload(ControlPlane::read(without), plane.clock.now()));
  EXPECT_EQ(json_of(plane.call("GET", "/backends/api-1"))["status"], "disabled");
  EXPECT_EQ(store.load()->objects.size(), 1u);
  ASSERT_TRUE(plane.catalog.reload(ControlPlane::read(kFile), plane.clock.now()));
  EXPECT_EQ(json_of(plane.call("GET", "/backends/web-1"))["status"], "unknown") << "a new backend is a new backend";
}

TEST(Catalog, DeletingABackendDropsItsOverrideInTheSameCommit) {
  FragileStore store;
  ControlPlane plane(kFile, &store);
  plane.call("POST", "/backends", R"({"address": "10.0.0.9:80", "pool": "site", "id": "made"})");
  plane.call("POST", "/backends/made/drain");
  EXPECT_EQ(store.load()->objects.size(), 2u);
  int commits = store.commits;
  plane.call("DELETE", "/backends/made");
  EXPECT_EQ(store.commits, commits + 1);
  EXPECT_THAT(store.load()->objects, IsEmpty());
}

TEST(Catalog, TheKeyOfStickyCookiesIsStoredWithTheChangeThatNeedsIt) {
  FragileStore store;
  ControlPlane plane(kFile, &store);
  const char* sticky = R"({"name": "p", "sticky": "cookie"})";
  EXPECT_EQ(plane.call("POST", "/pools?dry_run=true", sticky).status, 201);
  EXPECT_EQ(store.commits, 0) << "a dry run changes nothing";
  store.fails_with = StoreFault::full;
  EXPECT_EQ(plane.call("POST", "/pools", sticky).status, 507);
  store.fails_with.reset();
  EXPECT_EQ(plane.call("POST", "/pools", sticky).status, 201);
  EXPECT_EQ(store.commits, 1);
  persist::StickyKey key = sticky_key(plane);
  EXPECT_EQ(plane.call("POST", "/pools", R"({"name": "q", "sticky": "cookie"})").status, 201);
  EXPECT_EQ(sticky_key(plane), key);
  ControlPlane again(kFile, &store);
  EXPECT_EQ(sticky_key(again), key);
  EXPECT_EQ(store.commits, 2);
}

TEST(Catalog, AReloadWhoseKeyCannotBeStoredKeepsItAndStoresItWithTheNextChange) {
  FragileStore store;
  ControlPlane plane(kFile, &store);
  store.fails_with = StoreFault::full;
  std::string file = kFile + "  - {name: p, sticky: cookie}\n";
  ASSERT_TRUE(plane.catalog.reload(ControlPlane::read(file), plane.clock.now()));
  persist::StickyKey key = sticky_key(plane);
  store.fails_with.reset();
  EXPECT_EQ(plane.call("POST", "/pools", R"({"name": "q"})").status, 201);
  EXPECT_EQ(sticky_key(plane), key);
  ControlPlane again(file, &store);
  EXPECT_EQ(sticky_key(again), key);
}

TEST(Catalog, OneBackendIsOneObjectOfTheStore) {
  FragileStore store;
  ControlPlane plane(kFile, &store);
  for (int i = 0; i < 3; ++i) {
    plane.call("POST", "/backends", fmt::format(R"({{"address": "10.1.0.{}:80", "pool": "site"}})", i));
  }
  std::uint64_t revision = store.load()->revision;
  plane.call("PATCH", "/backends/10.1.0.1:80", R"({"weight": 2})");
  std::size_t written = 0;
  for (const StoredObject& object : store.load()->objects) written += object.revision > revision;
  EXPECT_EQ(written, 1u);
}

TEST(Catalog, ReportsEveryObjectOfTheStoreThatItCannotRead) {
  FragileStore store;
  ASSERT_TRUE(store.commit(std::vector<StoreChange>{{"pool", "a", "{"},
                                                    {"backend", "p/b", R"({"host": "x", "port": 0})"},
                                                    {"rule", "r", R"({"colour": 1})"},
                                                    {"spell", "s", "{}"},
                                                    {"certificate", "c", R"({"name": "c d", "cert": "", "key": ""})"},
                                                    {"override", "p/b", R"({"weight": -1})"},
                                                    {"listener", "l", R"({"name": 3})"}}));
  ControlPlane plane(kFile, &store);
  std::string text = why(plane.start);
  for (const char* name :
       {"pool a", "backend p/b", "rule r", "spell s", "override p/b", "listener l", "certificate c"}) {
    EXPECT_THAT(text, HasSubstr(name));
  }
}

TEST(Catalog, SaysWhenTheStoreCannotBeRead) {
  class Broken final : public Store {
    StoreResult<StoreContents> load() override {
      return std::unexpected(StoreError{StoreFault::unusable, "it is broken"});
    }
    StoreResult<std::uint64_t> commit(std::span<const StoreChange>) override { return 0; }
  } broken;
  ControlPlane plane(kFile);
  Catalog catalog(broken, plane.publisher, all_kinds());
  EXPECT_EQ(why(catalog.start(ControlPlane::read(kFile), plane.clock.now())), "it is broken");
}

TEST(Catalog, AsksForResourcesBeforeItStoresAnything) {
  ControlPlane plane(kFile);
  int prepared = 0;
  bool refuse = false;
  plane.prepare = [&](const config::Config& wanted) {
    ++prepared;
    EXPECT_EQ(wanted.listeners.size(), 3u);
    if (!refuse) return config::Faults{};
    return config::Faults{{{"api", 0, 0}, "listeners[2].address", "is in use"}};
  };
  const std::string body = R"({"name": "l", "address": "127.0.0.1:8090", "pool": "site"})";
  EXPECT_EQ(plane.call("POST", "/listeners?dry_run=true", body).status, 201);
  EXPECT_EQ(plane.abandoned, 1);
  refuse = true;
  EXPECT_EQ(plane.call("POST", "/listeners", body).status, 409);
  EXPECT_EQ(plane.store.commits, 0);
  refuse = false;
  plane.store.fails_with = StoreFault::full;
  EXPECT_EQ(plane.call("POST", "/listeners", body).status, 507);
  EXPECT_EQ(plane.abandoned, 2);
  plane.store.fails_with.reset();
  EXPECT_EQ(plane.call("POST", "/listeners", body).status, 201);
  EXPECT_EQ(plane.abandoned, 2);
  EXPECT_EQ(prepared, 4);
}

TEST(Catalog, OptionsThatAStrategyRefusesAreRefused) {
  ControlPlane plane;
  ApiResponse response =
      plane.call("POST", "/pools", R"({"name": "p", "algorithm": {"type": "consistent_hash", "hash_key": "moon"}})");
  EXPECT_EQ(response.status, 400) << response.body;
  EXPECT_EQ(json_of(response)["field"], "algorithm.hash_key");
  EXPECT_EQ(plane.call("GET", "/pools/p").status, 404);
}

}  // namespace
}  // namespace weir::control
