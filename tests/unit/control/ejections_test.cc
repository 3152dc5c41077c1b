#include "control/ejections.h"

#include "tests/unit/api/fixture.h"
#include "worker/pool_runtime.h"

namespace weir::control {
namespace {

using api::ControlPlane;
using pool::EjectionReason;
using pool::EjectionState;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using Phase = EjectionState::Phase;

constexpr std::string_view kPools = R"(
listeners:
  - {name: web, address: 127.0.0.1:8080, pool: site}
pools:
  - name: site
    health_check: off
    slow_start: 10s
    backends:
      - {id: web-1, host: 10.0.0.1, port: 80}
      - {id: web-2, host: 10.0.0.2, port: 80}
      - {id: web-3, host: 10.0.0.3, port: 80}
      - {id: web-4, host: 10.0.0.4, port: 80}
  - name: shop
    health_check: off
    backends:
      - {id: shop-1, host: 10.0.0.1, port: 80}
      - {id: shop-2, host: 10.0.0.2, port: 80}
  - name: unchecked
    health_check: off
    passive: off
    backends:
      - {id: same, host: 10.0.0.1, port: 80}
)";

class EjectionsTest : public testing::Test {
 protected:
  EjectionsTest() {
    for (const char* id : {"web-1", "web-2", "web-3", "web-4"}) {
      plane.publisher.set_health(*plane.publisher.find({"site", id}), pool::BackendState::healthy, now());
    }
    plane.publisher.publish_changes(now());
  }
  base::TimePoint now() { return plane.clock.now(); }
  std::shared_ptr<pool::Endpoint> endpoint(const std::string& id, const std::string& pool = "site") {
    return plane.publisher.endpoint_of({pool, id});
  }
  std::shared_ptr<worker::PoolRuntime> runtime(const std::string& pool = "site") { return plane.pool(pool)->runtime; }
  // As a worker does after failures in a row.
  void eject(const std::string& id, base::Nanoseconds time = seconds(1)) {
    ASSERT_TRUE(runtime()->ejections.take(EjectionReason::status));
    EjectionState before = endpoint(id)->ejection(), after = before.ejected(now(), now() + time);
    ASSERT_TRUE(endpoint(id)->change(before, after));
    plane.ejections.hear({.kind = worker::EjectionNews::Kind::ejected,
                          .endpoint = endpoint(id),
                          .pool = plane.pool("site")->config,
                          .runtime = runtime(),
                          .state = after,
                          .reason = EjectionReason::status,
                          .detail = "5 failures in a row, the last: status 503"},
                         now());
    plane.publisher.publish_changes(now());
  }
  // As the worker whose request is the trial.
  void try_well(const std::string& id) {
    pool::Trial trial;
    ASSERT_TRUE(trial.begin(*endpoint(id), true, now()));
    auto after = trial.succeed(now());
    plane.ejections.hear({.kind = worker::EjectionNews::Kind::returned,
                          .endpoint = endpoint(id),
                          .pool = plane.pool("site")->config,
                          .runtime = runtime(),
                          .state = *after,
                          .detail = "its trial succeeded"},
                         now());
    plane.publisher.publish_changes(now());
  }
  void wait(base::Nanoseconds time) {
    plane.clock.advance(time);
    plane.ejections.advance(now());
    plane.publisher.publish_changes(now());
  }
  void count(const std::string& id, std::uint32_t succeeded, std::uint32_t failed,
             base::Nanoseconds latency = milliseconds(1)) {
    pool::BackendTraffic& traffic = plane.publisher.find({"site", id})->traffic;
    pool::TrafficCells& cells = *traffic.of(0);
    for (std::uint32_t i = 0; i < succeeded; ++i) cells.count(cells.succeeded), traffic.add_latency(cells, latency);
    for (std::uint32_t i = 0; i < failed; ++i) cells.count(cells.failed);
  }
  void tick() {
    plane.clock.advance(seconds(1));
    plane.ejections.tick(now());
    plane.publisher.publish_changes(now());
  }
  Phase phase(const std::string& id) { return endpoint(id)->ejection().phase(); }
  std::vector<std::string> events() {
    std::vector<std::string> all;
    for (const Event& event : plane.events.after(0)) {
      if (event.type == "ejection") all.push_back(event.data);
    }
    return all;
  }

  ControlPlane plane{std::string(kPools)};
};

TEST_F(EjectionsTest, AnEjectedBackendIsOutOfTheSetsOfAllPoolsWithPassiveChecks) {
  eject("web-1");
  EXPECT_THAT(plane.eligible("site"), ElementsAre("web-2", "web-3", "web-4"));
  EXPECT_THAT(plane.eligible("shop"), ElementsAre("shop-2"));
  EXPECT_THAT(plane.eligible("unchecked"), ElementsAre("same"));
  EXPECT_TRUE(plane.publisher.find({"site", "web-1"})->ejected);
  EXPECT_EQ(runtime()->ejections.taken(), 1u) << "the place that the worker took";
  EXPECT_EQ(runtime("shop")->ejections.taken(), 1u) << "and one of the other pool's";
  EXPECT_FALSE(runtime("shop")->ejections.take(EjectionReason::status));
}

TEST_F(EjectionsTest, EachBackendThatHasTheEndpointIsToldOf) {
  eject("web-1");
  ASSERT_EQ(events().size(), 2u);
  EXPECT_THAT(events()[0], HasSubstr(R"("id":"shop/shop-1")"));
  EXPECT_THAT(events()[1], HasSubstr(R"("id":"site/web-1")"));
  EXPECT_THAT(events()[1], HasSubstr(R"("action":"ejected","reason":"status","detail":"5 failures in a row)"));
  auto index = static_cast<std::size_t>(EjectionReason::status);
  EXPECT_EQ(plane.publisher.find({"site", "web-1"})->ejections[index], 1u);
}

TEST_F(EjectionsTest, WhenItsTimeIsOverItIsThereForATrialAndReturnsBySlowStart) {
  eject("web-1");
  EXPECT_EQ(plane.ejections.next_due(), endpoint("web-1")->ejection().when());
  wait(milliseconds(999));
  EXPECT_EQ(phase("web-1"), Phase::ejected);
  wait(milliseconds(1));
  EXPECT_EQ(phase("web-1"), Phase::half_open);
  EXPECT_THAT(plane.eligible("site"), ElementsAre("web-2", "web-3", "web-4"));
  ASSERT_EQ(plane.pool("site")->trials.size(), 1u);
  EXPECT_EQ(plane.pool("site")->entry(3).backend->id(), "web-1");
  EXPECT_EQ(plane.pool("site")->trials[0].used_though_ejected, pool::BackendEntry::kNotEjected) << "only its trial";
  EXPECT_EQ(plane.pool("shop")->ejected_by.at(0)->name, "site") << "by whose rules it was";
  EXPECT_EQ(plane.ejections.next_due(), base::TimePoint::max());
  EXPECT_EQ(runtime()->ejections.taken(), 1u) << "it is not in yet";
  try_well("web-1");
  EXPECT_EQ(runtime()->ejections.taken(), 0u);
  EXPECT_EQ(runtime("shop")->ejections.taken(), 0u);
  EXPECT_EQ(plane.pool("site")->eligible[0].slow_start_percent, 10u);
  EXPECT_FALSE(plane.publisher.find({"site", "web-1"})->ejected);
}

TEST_F(EjectionsTest, APoolThatMaySpareNoMoreUsesWhatAnotherHasEjected) {
  eject("web-1", seconds(5));
  eject("web-2", seconds(9));
  EXPECT_THAT(plane.eligible("site"), ElementsAre("web-3", "web-4"));
  EXPECT_THAT(plane.eligible("shop"), ElementsAre("shop-1")) << "its time ends first";
  EXPECT_EQ(plane.pool("shop")->eligible[0].used_though_ejected, endpoint("web-1")->ejection().serial());
  EXPECT_FALSE(runtime()->ejections.take(EjectionReason::status)) << "half of four";
}

TEST_F(EjectionsTest, ASuccessfulProbeEndsNoEjection) {
  eject("web-1");
  plane.publisher.set_health(*plane.publisher.find({"site", "web-1"}), pool::BackendState::unhealthy, now());
  plane.publisher.set_health(*plane.publisher.find({"site", "web-1"}), pool::BackendState::healthy, now());
  plane.publisher.publish_changes(now());
  EXPECT_THAT(plane.eligible("site"), ElementsAre("web-2", "web-3", "web-4"));
}

TEST_F(EjectionsTest, DetailsTellOfTheEjectionAndItsHistory) {
  EXPECT_FALSE(plane.ejections.details({"site", "web-1"}, now()));
  eject("web-1");
  auto details = plane.ejections.details({"site", "web-1"}, now());
  ASSERT_TRUE(details);
  EXPECT_EQ(details->phase, Phase::ejected);
  EXPECT_EQ(details->reason, EjectionReason::status);
  EXPECT_EQ(details->detail, "5 failures in a row, the last: status 503");
  EXPECT_EQ(details->count, 1u);
  EXPECT_EQ(details->until_unix_ms - details->since_unix_ms, 1000);
  wait(seconds(1));
  EXPECT_THAT(plane.ejections.details({"site", "web-1"}, now())->detail, HasSubstr("waits for a request"));
  try_well("web-1");
  details = plane.ejections.details({"site", "web-1"}, now());
  EXPECT_EQ(details->phase, Phase::in);
  EXPECT_EQ(details->history.size(), 2u);
}

TEST_F(EjectionsTest, ABackendThatFailsTooOftenIsEjectedByTheNextTick) {
  for (const char* id : {"web-1", "web-2", "web-3"}) count(id, 0, 0);
  tick();
  count("web-1", 10, 10);
  count("web-2", 20, 0);
  tick();
  EXPECT_EQ(phase("web-1"), Phase::ejected);
  EXPECT_EQ(phase("web-2"), Phase::in);
  EXPECT_EQ(plane.ejections.details({"site", "web-1"}, now())->reason, EjectionReason::error_rate);
  EXPECT_EQ(runtime()->ejections.taken(), 1u);
}

TEST_F(EjectionsTest, ASlowBackendIsEjectedAndComparedAnewAfterItsReturn) {
  for (const char* id : {"web-1", "web-2", "web-3"}) count(id, 0, 0);
  tick();
  count("web-1", 20, 0, milliseconds(200));
  count("web-2", 20, 0);
  count("web-3", 20, 0);
  tick();
  EXPECT_EQ(plane.ejections.details({"site", "web-1"}, now())->reason, EjectionReason::latency);
  wait(seconds(2));
  try_well("web-1");
  tick();
  EXPECT_EQ(phase("web-1"), Phase::in) << "the responses from before are forgotten";
}

TEST_F(EjectionsTest, TheLimitHoldsForComparisonsAndIsCountedOnce) {
  for (const char* id : {"web-1", "web-2", "web-3"}) count(id, 0, 0);
  eject("web-4", seconds(60));
  tick();
  for (int i = 0; i < 3; ++i) {
    for (const char* id : {"web-1", "web-2"}) count(id, 0, 30);
    count("web-3", 30, 0);
    tick();
  }
  EXPECT_EQ(plane.eligible("site").size(), 2u);
  EXPECT_EQ(runtime()->ejections.prevented(EjectionReason::error_rate), 1u);
}

TEST_F(EjectionsTest, NobodyIsEjectedByItsErrorsWhileTheServiceFails) {
  for (const char* id : {"web-1", "web-2", "web-3", "web-4"}) count(id, 0, 0);
  tick();
  for (const char* id : {"web-1", "web-2", "web-3", "web-4"}) count(id, 10, 30);
  tick();
  EXPECT_EQ(plane.eligible("site").size(), 4u);
}

TEST_F(EjectionsTest, WhatGetsNoNewWorkIsNotComparedAndHoldsNoPlace) {
  for (const char* id : {"web-1", "web-2", "web-3", "web-4"}) count(id, 0, 0);
  eject("web-2", seconds(60));
  plane.publisher.set_health(*plane.publisher.find({"site", "web-2"}), pool::BackendState::unhealthy, now());
  tick();
  EXPECT_EQ(runtime()->ejections.taken(), 0u) << "its probes fail as well";
  plane.publisher.find({"site", "web-1"})->state = pool::BackendState::draining;
  count("web-1", 0, 30);
  for (const char* id : {"web-3", "web-4"}) count(id, 30, 0);
  tick();
  EXPECT_EQ(phase("web-1"), Phase::in);
}

TEST_F(EjectionsTest, ATrialOfWhichNothingIsHeardIsFollowedByAnother) {
  eject("web-1");
  wait(seconds(1));
  pool::Trial trial;
  ASSERT_TRUE(trial.begin(*endpoint("web-1"), true, now()));
  for (int i = 0; i < 4; ++i) tick();
  EXPECT_EQ(phase("web-1"), Phase::trial);
  tick();
  EXPECT_EQ(phase("web-1"), Phase::half_open);
  EXPECT_EQ(events().size(), 2u) << "nothing to tell";
}

TEST_F(EjectionsTest, NewsThatIsOldByNowChangesNothing) {
  EjectionState before = endpoint("web-1")->ejection(), by_worker = before.ejected(now(), now() + seconds(1));
  ASSERT_TRUE(runtime()->ejections.take(EjectionReason::status));
  ASSERT_TRUE(endpoint("web-1")->change(before, by_worker));
  ASSERT_TRUE(plane.ejections.eject({"site", "web-1"}, seconds(60), now()));
  plane.ejections.hear({.kind = worker::EjectionNews::Kind::ejected,
                        .endpoint = endpoint("web-1"),
                        .pool = plane.pool("site")->config,
                        .runtime = runtime(),
                        .state = by_worker,
                        .reason = EjectionReason::status,
                        .detail = "5 failures"},
                       now());
  plane.publisher.publish_changes(now());
  auto details = plane.ejections.details({"site", "web-1"}, now());
  EXPECT_EQ(details->reason, EjectionReason::by_operator);
  EXPECT_EQ(details->history.size(), 2u);
  EXPECT_EQ(runtime()->ejections.taken(), 1u);
  EXPECT_EQ(plane.ejections.next_due(), endpoint("web-1")->ejection().when());
}

TEST_F(EjectionsTest, AFailedTrialOfWhichNoMessageTellsReturnsAsWell) {
  eject("web-1");
  wait(seconds(1));
  pool::Trial trial;
  ASSERT_TRUE(trial.begin(*endpoint("web-1"), true, now()));
  ASSERT_TRUE(trial.fail(now(), now() + seconds(2)));
  tick();
  wait(seconds(1));
  EXPECT_EQ(phase("web-1"), Phase::half_open);
}

TEST_F(EjectionsTest, APoolOfOneBackendPreventsNothing) {
  std::string yaml(kPools);
  std::size_t second = yaml.find("      - {id: shop-2");
  yaml.erase(second, yaml.find('\n', second) + 1 - second);
  ASSERT_TRUE(plane.run(plane.catalog.reload(ControlPlane::read(yaml))));
  EXPECT_FALSE(runtime("shop")->ejections.take(EjectionReason::status));
  EXPECT_EQ(runtime("shop")->ejections.prevented(EjectionReason::status), 0u);
}

TEST_F(EjectionsTest, LatenciesAreCountedWhereTheyCanBeCompared) {
  for (const auto& [pool, id, counts] : {std::tuple("site", "web-1", 1u), std::tuple("shop", "shop-2", 0u)}) {
    pool::BackendTraffic& traffic = plane.publisher.find({pool, id})->traffic;
    traffic.add_latency(*traffic.of(0), milliseconds(1));
    EXPECT_EQ(traffic.sum().latency[pool::LatencyScale::cell(1'000'000)], counts) << id;
  }
}

TEST_F(EjectionsTest, AQuietTrialEndsWithATick) {
  eject("web-1");
  wait(seconds(1));
  pool::Trial trial;
  ASSERT_TRUE(trial.begin(*endpoint("web-1"), true, now()));
  trial.is_good_at(now() + seconds(1));
  tick();
  EXPECT_EQ(phase("web-1"), Phase::in);
  EXPECT_FALSE(trial.fail(now(), now() + seconds(9))) << "too late";
  EXPECT_EQ(phase("web-1"), Phase::in);
  EXPECT_THAT(events().back(), HasSubstr("returned"));
}

TEST_F(EjectionsTest, WhatNoMessageToldOfIsFoundOut) {
  EjectionState before = endpoint("web-1")->ejection();
  ASSERT_TRUE(endpoint("web-1")->change(before, before.ejected(now(), now() + seconds(30))));
  tick();
  EXPECT_TRUE(events().empty()) << "the message may be on its way";
  tick();
  EXPECT_THAT(plane.eligible("site"), ElementsAre("web-2", "web-3", "web-4"));
  EXPECT_THAT(events().back(), HasSubstr("memory was too short"));
  std::size_t told = events().size();
  plane.ejections.hear({.kind = worker::EjectionNews::Kind::ejected,
                        .endpoint = endpoint("web-1"),
                        .pool = plane.pool("site")->config,
                        .runtime = runtime(),
                        .state = endpoint("web-1")->ejection(),
                        .reason = EjectionReason::status,
                        .detail = "late"},
                       now());
  EXPECT_EQ(events().size(), told) << "a message that comes late all the same";
}

TEST_F(EjectionsTest, AnOperatorEjectsWhateverTheLimitSaysButNotTheLastOne) {
  for (const char* id : {"web-1", "web-2", "web-3"}) {
    EXPECT_TRUE(plane.ejections.eject({"site", id}, seconds(60), now())) << id;
    plane.publisher.publish_changes(now());
  }
  EXPECT_THAT(plane.eligible("site"), ElementsAre("web-4"));
  auto refused = plane.ejections.eject({"site", "web-4"}, seconds(60), now());
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error(), HasSubstr("'web-4' is the last backend of the pool 'site' that takes requests"));
  EXPECT_THAT(plane.ejections.eject({"unchecked", "same"}, seconds(60), now()).error(), HasSubstr("passive: off"));
}

TEST_F(EjectionsTest, AnOperatorReadmitsAtOnceAndEndsTheRow) {
  eject("web-1");
  plane.ejections.readmit({"site", "web-1"}, now());
  plane.ejections.readmit({"site", "web-2"}, now());  // is in
  plane.publisher.publish_changes(now());
  EXPECT_THAT(plane.eligible("site"), ElementsAre("web-1", "web-2", "web-3", "web-4"));
  EXPECT_EQ(endpoint("web-1")->ejection().count(now()), 0u);
  EXPECT_EQ(runtime()->ejections.taken(), 0u);
  EXPECT_EQ(events().size(), 4u);
}

TEST_F(EjectionsTest, SwitchingPassiveChecksOffLetsTheBackendInForThatPool) {
  eject("web-1", seconds(60));
  std::string yaml(kPools);
  yaml.replace(yaml.find("slow_start: 10s"), 15, "passive: off");
  EXPECT_TRUE(plane.run(plane.catalog.reload(ControlPlane::read(yaml))));
  EXPECT_THAT(plane.eligible("site"), ElementsAre("web-1", "web-2", "web-3", "web-4"));
  EXPECT_EQ(runtime()->ejections.taken(), 0u);
}

}  // namespace
}  // namespace weir::control
