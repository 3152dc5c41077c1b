// File, API objects and store together.
#include "control/catalog.h"

#include "tests/unit/api/fixture.h"

namespace weir::control {
namespace {

using api::all_kinds;
using api::ApiResponse;
using api::ControlPlane;
using api::FragileStore;
using api::json_of;
using api::kFile;

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string why(const Catalog::Outcome<void>& outcome) {
  EXPECT_FALSE(outcome);
  if (outcome) return {};
  if (const auto* faults = std::get_if<config::Faults>(&outcome.error())) {
    std::string text;
    for (const config::Fault& fault : *faults) text += config::format(fault) + "\n";
    return text;
  }
  return std::get<store::Error>(outcome.error()).message;
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
  EXPECT_THAT(store.contents().objects, IsEmpty());
}

TEST(Catalog, AReloadKeepsOverridesOfWhatStaysAndDropsTheRest) {
  FragileStore store;
  ControlPlane plane(kFile, &store);
  plane.call("POST", "/backends/web-1/disable");
  plane.call("POST", "/backends/api-1/disable");
  std::string without = kFile;
  without.erase(without.find("      - {id: web-1"),
                without.find("      - {id: web-2") - without.find("      - {id: web-1"));
  ASSERT_TRUE(plane.run(plane.catalog.reload(ControlPlane::read(without))));
  EXPECT_EQ(json_of(plane.call("GET", "/backends/api-1"))["status"], "disabled");
  EXPECT_EQ(store.contents().objects.size(), 1u);
  ASSERT_TRUE(plane.run(plane.catalog.reload(ControlPlane::read(kFile))));
  EXPECT_EQ(json_of(plane.call("GET", "/backends/web-1"))["status"], "unknown") << "a new backend is a new backend";
}

TEST(Catalog, DeletingABackendDropsItsOverrideInTheSameCommit) {
  FragileStore store;
  ControlPlane plane(kFile, &store);
  plane.call("POST", "/backends", R"({"address": "10.0.0.9:80", "pool": "site", "id": "made"})");
  plane.call("POST", "/backends/made/drain");
  EXPECT_EQ(store.contents().objects.size(), 2u);
  int commits = store.commits;
  plane.call("DELETE", "/backends/made");
  EXPECT_EQ(store.commits, commits + 1);
  EXPECT_THAT(store.contents().objects, IsEmpty());
}

TEST(Catalog, TheKeyOfStickyCookiesIsStoredWithTheChangeThatNeedsIt) {
  FragileStore store;
  ControlPlane plane(kFile, &store);
  const char* sticky = R"({"name": "p", "sticky": "cookie"})";
  EXPECT_EQ(plane.call("POST", "/pools?dry_run=true", sticky).status, 201);
  EXPECT_EQ(store.commits, 0) << "a dry run changes nothing";
  store.fails_with = store::ErrorCode::full;
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
  store.fails_with = store::ErrorCode::full;
  std::string file = kFile + "  - {name: p, sticky: cookie}\n";
  ASSERT_TRUE(plane.run(plane.catalog.reload(ControlPlane::read(file))));
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
  std::uint64_t revision = store.contents().revision;
  plane.call("PATCH", "/backends/10.1.0.1:80", R"({"weight": 2})");
  std::size_t written = 0;
  for (const store::Object& object : store.contents().objects) written += object.revision > revision;
  EXPECT_EQ(written, 1u);
}

TEST(Catalog, SaysWhenTheStoreCannotBeRead) {
  FragileStore broken;
  broken.cannot_load = true;
  ControlPlane plane(kFile);
  Catalog catalog(broken, plane.publisher, all_kinds(), plane.clock);
  EXPECT_EQ(why(plane.run(catalog.start(ControlPlane::read(kFile)))), "the store was told to fail");
}

TEST(Catalog, StatesOfBackendsApplyWhileTheStoreCannotBeWritten) {
  FragileStore store;
  ControlPlane plane(kFile, &store);
  plane.call("POST", "/backends", R"({"address": "10.0.0.9:80", "pool": "site", "id": "made"})");
  for (store::ErrorCode fault : {store::ErrorCode::full, store::ErrorCode::unavailable, store::ErrorCode::unusable}) {
    store.fails_with = fault;
    for (const char* id : {"web-1", "made"}) {
      ApiResponse drained = plane.call("POST", fmt::format("/backends/{}/drain", id));
      EXPECT_EQ(drained.status, 200) << drained.body;
      EXPECT_EQ(json_of(drained)["status"], "draining");
      EXPECT_EQ(json_of(drained)["stored"], false);
      EXPECT_EQ(json_of(plane.call("POST", fmt::format("/backends/{}/disable", id)))["status"], "disabled");
      EXPECT_EQ(plane.call("PATCH", fmt::format("/backends/{}", id), R"({"health_override": "healthy"})").status, 200);
      EXPECT_EQ(json_of(plane.call("POST", fmt::format("/backends/{}/enable", id)))["status"], "healthy");
      EXPECT_EQ(plane.call("PATCH", fmt::format("/backends/{}", id), R"({"health_override": null})").status, 200);
    }
    EXPECT_GE(plane.call("POST", "/pools", R"({"name": "p"})").status, 500) << "definitions are stored or refused";
  }
  EXPECT_EQ(plane.call("POST", "/backends/web-2/disable").status, 200);
  EXPECT_EQ(json_of(plane.call("GET", "/backends/web-2"))["stored"], false);
  EXPECT_EQ(json_of(plane.call("GET", "/backends/api-1"))["stored"], true);
}

TEST(Catalog, WhatCouldNotBeStoredIsStoredWhenItCanBe) {
  FragileStore store;
  ControlPlane plane(kFile, &store);
  store.fails_with = store::ErrorCode::full;
  plane.call("POST", "/backends/web-1/disable");
  EXPECT_EQ(plane.catalog.unstored().size(), 1u);
  store.fails_with.reset();
  plane.run(plane.catalog.store_again());
  EXPECT_EQ(plane.catalog.unstored().size(), 1u) << "not at once";
  plane.clock.advance(std::chrono::seconds(1));
  plane.run(plane.catalog.store_again());
  EXPECT_EQ(plane.catalog.unstored().size(), 0u);
  EXPECT_EQ(json_of(plane.call("GET", "/backends/web-1"))["stored"], true);
  ControlPlane next(kFile, &store);
  EXPECT_EQ(json_of(next.call("GET", "/backends/web-1"))["status"], "disabled");
}

TEST(Catalog, StoringIsTriedLessAndLessOften) {
  FragileStore store;
  ControlPlane plane(kFile, &store);
  store.fails_with = store::ErrorCode::full;
  plane.call("POST", "/backends/web-1/disable");
  for (int second = 0; second < 3600; ++second) {
    plane.clock.advance(std::chrono::seconds(1));
    plane.run(plane.catalog.store_again());
  }
  EXPECT_GT(store.tries, 60);
  EXPECT_LT(store.tries, 70);
}

TEST(Catalog, TheNextChangeTakesAlongWhatCouldNotBeStored) {
  FragileStore store;
  ControlPlane plane(kFile, &store);
  store.fails_with = store::ErrorCode::unavailable;
  plane.call("POST", "/backends/web-1/disable");
  plane.call("POST", "/backends/web-2/disable");
  plane.call("POST", "/backends/web-2/enable");
  store.fails_with.reset();
  EXPECT_EQ(plane.call("POST", "/pools", R"({"name": "p"})").status, 201);
  EXPECT_EQ(plane.catalog.unstored().size(), 0u);
  EXPECT_EQ(store.contents().objects.size(), 2u) << "the pool and one override";
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
  plane.store.fails_with = store::ErrorCode::full;
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
