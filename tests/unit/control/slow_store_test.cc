// Work that goes on while the store takes its time, and changes that wait for it.
#include "tests/unit/api/fixture.h"

namespace weir::control {
namespace {

using api::ApiResponse;
using api::ControlPlane;
using api::FragileStore;
using api::json_of;
using api::kFile;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const char* const kPool = R"({"name": "p"})";

std::string detail(const ControlPlane::Pending& answer) { return json_of(**answer)["detail"]; }

TEST(SlowStore, ReadsAndOperationsGoOnWhileAChangeWaits) {
  FragileStore store;
  ControlPlane plane(kFile, &store);
  store.is_slow = true;
  ControlPlane::Pending change = plane.begin("POST", "/pools", kPool);
  plane.turn(seconds(3));
  ASSERT_FALSE(*change);
  EXPECT_EQ(plane.call("GET", "/pools/p").status, 404) << "it is not stored yet";
  EXPECT_EQ(plane.call("GET", "/health").status, 200);
  ApiResponse drained = plane.call("POST", "/backends/web-1/drain");
  EXPECT_EQ(drained.status, 200) << drained.body;
  EXPECT_EQ(json_of(drained)["status"], "draining");
  EXPECT_EQ(json_of(drained)["stored"], false);
  EXPECT_THAT(plane.eligible("site"), ElementsAre("web-2"));
  EXPECT_EQ(plane.call("PATCH", "/backends/web-2", R"({"weight": 7})").status, 200);
  plane.publisher.set_health(*plane.publisher.find({"api", "api-1"}), pool::BackendState::unhealthy, plane.clock.now());
  EXPECT_EQ(json_of(plane.call("GET", "/backends/api-1"))["status"], "unhealthy");
  store.release();
  plane.turn();
  ASSERT_TRUE(*change);
  EXPECT_EQ((*change)->status, 201) << (*change)->body;
  EXPECT_EQ(json_of(plane.call("GET", "/backends/web-1"))["status"], "draining") << "the change has not undone it";
  EXPECT_EQ(json_of(plane.call("GET", "/backends/web-2"))["weight"], 7);
  plane.run(plane.catalog.store_again());
  EXPECT_EQ(json_of(plane.call("GET", "/backends/web-1"))["stored"], true);
  EXPECT_EQ(store.contents().objects.size(), 3u);
}

TEST(SlowStore, ChangesHaveEffectInTheOrderInWhichTheyCame) {
  FragileStore store;
  ControlPlane plane(kFile, &store);
  store.is_slow = true;
  std::vector<ControlPlane::Pending> changes;
  changes.push_back(plane.begin("POST", "/pools", kPool));
  changes.push_back(plane.begin("PUT", "/pools/p", R"({"min_healthy": 2})"));
  changes.push_back(plane.begin("POST", "/pools", kPool));
  changes.push_back(plane.begin("DELETE", "/pools/p"));
  store.release();
  for (int i = 0; i < 4; ++i) plane.turn();
  std::vector<int> statuses;
  for (const ControlPlane::Pending& change : changes) statuses.push_back(*change ? (*change)->status : 0);
  EXPECT_THAT(statuses, ElementsAre(201, 200, 409, 200));
  EXPECT_THAT(store.contents().objects, IsEmpty());
}

TEST(SlowStore, ADryRunWaitsForItsTurnAsWell) {
  FragileStore store;
  ControlPlane plane(kFile, &store);
  store.is_slow = true;
  ControlPlane::Pending change = plane.begin("POST", "/pools", kPool);
  ControlPlane::Pending dry_run = plane.begin("POST", "/pools?dry_run=true", kPool);
  EXPECT_FALSE(*dry_run);
  store.release();
  plane.turn();
  ASSERT_TRUE(*dry_run);
  EXPECT_EQ((*dry_run)->status, 409) << "by then the pool is there";
}

TEST(SlowStore, AChangeThatIsNotStoredInTimeChangesNothing) {
  FragileStore store;
  ControlPlane plane(kFile, &store);
  store.is_slow = true;
  ControlPlane::Pending change = plane.begin("POST", "/pools", kPool);
  plane.turn(seconds(11));
  ASSERT_TRUE(*change);
  EXPECT_EQ((*change)->status, 503);
  EXPECT_THAT(detail(change), HasSubstr("nothing was changed: no answer in time"));
  EXPECT_EQ(api::header(**change, "Retry-After"), "1");
  EXPECT_EQ(plane.abandoned, 1);
  store.release();
  EXPECT_EQ(plane.call("POST", "/pools", kPool).status, 201);
}

TEST(SlowStore, AChangeWhoseTurnDoesNotComeIsRefusedWithTheReason) {
  FragileStore store;
  ControlPlane plane(kFile, &store);
  store.is_slow = true;
  std::vector<ControlPlane::Pending> changes;
  for (int i = 0; i < 3; ++i) changes.push_back(plane.begin("POST", "/pools", kPool));
  plane.turn(seconds(11));
  ASSERT_TRUE(*changes.back());
  EXPECT_EQ((*changes.back())->status, 503);
  EXPECT_THAT(detail(changes.back()), HasSubstr("changes that came before still wait for the store"));
  EXPECT_EQ(api::header(**changes.back(), "Retry-After"), "5");
  EXPECT_EQ(api::header(**changes.back(), "Content-Type"), "application/problem+json");
}

TEST(SlowStore, TheQueueOfChangesIsBounded) {
  FragileStore store;
  ControlPlane plane(kFile, &store);
  store.is_slow = true;
  std::vector<ControlPlane::Pending> changes;
  for (int i = 0; i < 66; ++i) changes.push_back(plane.begin("POST", "/pools", kPool));
  EXPECT_FALSE(*changes[64]);
  ASSERT_TRUE(*changes[65]);
  EXPECT_EQ((*changes[65])->status, 503);
  EXPECT_THAT(detail(changes[65]), HasSubstr("too many changes wait"));
  EXPECT_EQ(plane.call("POST", "/backends/web-1/drain").status, 200) << "an operation needs no turn";
}

TEST(SlowStore, ACommitThatTakesPlaceAfterAllTakesEffectBeforeTheNextChange) {
  FragileStore store;
  ControlPlane plane(kFile, &store);
  store.is_slow = store.stores_late = true;
  ControlPlane::Pending change = plane.begin("POST", "/pools", kPool);
  plane.turn(seconds(11));
  ASSERT_TRUE(*change);
  EXPECT_EQ((*change)->status, 503);
  EXPECT_THAT(detail(change), HasSubstr("the change may still take effect"));
  EXPECT_EQ(plane.call("GET", "/pools/p").status, 404);
  store.release();
  EXPECT_EQ(plane.call("POST", "/pools", R"({"name": "q"})").status, 201);
  EXPECT_EQ(plane.call("GET", "/pools/p").status, 200);
  EXPECT_EQ(store.contents().objects.size(), 2u);
}

TEST(SlowStore, AnOperationOnABackendThatGoesMeanwhileLeavesNothingBehind) {
  FragileStore store;
  ControlPlane plane(kFile, &store);
  plane.call("POST", "/backends", R"({"address": "10.0.0.9:80", "pool": "site", "id": "made"})");
  store.is_slow = true;
  ControlPlane::Pending change = plane.begin("DELETE", "/backends/made");
  EXPECT_EQ(plane.call("POST", "/backends/made/disable").status, 200);
  store.release();
  plane.turn();
  ASSERT_TRUE(*change);
  EXPECT_EQ((*change)->status, 200);
  plane.run(plane.catalog.store_again());
  EXPECT_THAT(store.contents().objects, IsEmpty());
  EXPECT_THAT(plane.catalog.objects().overrides, IsEmpty());
  EXPECT_EQ(plane.catalog.unstored().size(), 0u);
}

TEST(SlowStore, AnOperationWaitsOneSecondForTheStore) {
  FragileStore store;
  ControlPlane plane(kFile, &store);
  store.is_slow = true;
  ControlPlane::Pending drain = plane.begin("POST", "/backends/web-1/drain");
  EXPECT_FALSE(*drain);
  EXPECT_THAT(plane.eligible("site"), ElementsAre("web-2")) << "it applies at once";
  plane.turn(seconds(2));
  ASSERT_TRUE(*drain);
  EXPECT_EQ((*drain)->status, 200);
  EXPECT_EQ(json_of(**drain)["stored"], false);
}

TEST(SharedStore, AChangeAfterThatOfAnotherWeirIsAConflictOnce) {
  FragileStore store;
  ControlPlane plane(kFile, &store);
  store.put({{"pool", "theirs", R"({"name": "theirs"})"}});
  ApiResponse refused = plane.call("POST", "/pools", kPool);
  EXPECT_EQ(refused.status, 409);
  EXPECT_THAT(refused.body, HasSubstr("another Weir"));
  EXPECT_EQ(plane.call("POST", "/pools", kPool).status, 201) << "by now it knows";
  EXPECT_EQ(plane.call("GET", "/pools/theirs").status, 200);
}

TEST(SharedStore, WhatOthersWriteTakesEffect) {
  FragileStore store;
  ControlPlane plane(kFile, &store);
  plane.run(plane.catalog.follow_store());
  plane.call("POST", "/pools", kPool);
  int loads = store.loads;
  plane.turn();
  EXPECT_EQ(store.loads, loads) << "its own commits are known";
  store.put({{"pool", "theirs", R"({"name": "theirs", "backends": []})"},
             {"backend", "theirs/b", R"({"id": "b", "pool": "theirs", "address": "10.0.0.7:80"})"},
             {"override", "site/web-1", R"({"operation": "disabled"})"},
             {"pool", "p", std::nullopt}});
  plane.turn();
  EXPECT_EQ(plane.call("GET", "/pools/p").status, 404);
  EXPECT_THAT(plane.eligible("theirs"), ElementsAre("b"));
  EXPECT_EQ(json_of(plane.call("GET", "/backends/web-1"))["status"], "disabled");
  store.put({{"pool", "theirs", R"({"name": "theirs", "min_healthy": 3})"}, {"override", "site/web-1", std::nullopt}});
  plane.turn();
  EXPECT_EQ(json_of(plane.call("GET", "/pools/theirs"))["min_healthy"], 3);
  EXPECT_THAT(plane.eligible("theirs"), ElementsAre("b"));
  EXPECT_EQ(json_of(plane.call("GET", "/backends/web-1"))["status"], "unknown");
}

TEST(SharedStore, WhatOthersWriteAndDoesNotFitIsSetAside) {
  FragileStore store;
  ControlPlane plane(kFile, &store);
  plane.run(plane.catalog.follow_store());
  store.put({{"pool", "site", R"({"name": "site"})"}, {"pool", "good", R"({"name": "good"})"}});
  plane.turn();
  EXPECT_EQ(plane.call("GET", "/pools/good").status, 200);
  ASSERT_EQ(plane.catalog.set_aside().size(), 1u);
  EXPECT_EQ(plane.catalog.set_aside().begin()->first.text(), "pool site");
}

TEST(SharedStore, AnOperationThatIsNotStoredYetOutlivesWhatOthersWrite) {
  FragileStore store;
  ControlPlane plane(kFile, &store);
  plane.run(plane.catalog.follow_store());
  store.fails_with = store::ErrorCode::unavailable;
  plane.call("POST", "/backends/web-1/disable");
  store.fails_with.reset();
  store.put({{"pool", "theirs", R"({"name": "theirs"})"}, {"override", "site/web-2", R"({"operation": "disabled"})"}});
  plane.turn(seconds(2));
  EXPECT_EQ(json_of(plane.call("GET", "/backends/web-1"))["status"], "disabled");
  EXPECT_EQ(json_of(plane.call("GET", "/backends/web-2"))["status"], "disabled");
  plane.run(plane.catalog.store_again());
  EXPECT_EQ(store.contents().objects.size(), 3u);
}

}  // namespace
}  // namespace weir::control
