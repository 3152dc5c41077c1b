#include "health/prober.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "gtest/gtest.h"

#include "tests/unit/health/prober_fixture.h"

namespace weir::health {
namespace {

TEST_F(ProberTest, FindsAHealthyBackendHealthy) {
  Switchable server;
  auto one = backend(server.address());
  EXPECT_FALSE(prober_->details(*one));
  watch({{one, check(1h), at(server.address()), {}}});
  await_state(*one, BackendState::healthy);
  auto details = prober_->details(*one);
  ASSERT_TRUE(details);
  EXPECT_EQ(details->state, BackendState::healthy);
  ASSERT_TRUE(details->last_check);
  EXPECT_TRUE(details->last_check->result.ok);
  EXPECT_GT(details->last_check->result.latency, 0ns);
  EXPECT_NEAR(static_cast<double>(details->last_check->at_unix_ms), static_cast<double>(base::unix_milliseconds()),
              20'000);
  ASSERT_EQ(details->history.size(), 1u);
  EXPECT_EQ(details->history[0].from, BackendState::unknown);
  EXPECT_EQ(one->state.load(), BackendState::unknown) << "the state of the backend is control's to write";
}

TEST_F(ProberTest, FollowsABackendDownAndUpAgain) {
  Switchable server;
  auto one = backend(server.address());
  watch({{one, check(), at(server.address()), {}}});
  await_state(*one, BackendState::healthy);
  server.well = false;
  await_state(*one, BackendState::unhealthy);
  auto details = prober_->details(*one);
  EXPECT_GE(details->consecutive_failures, 3u);
  EXPECT_EQ(details->last_check->result.error, "status 503, expected 200-299");
  server.well = true;
  await_state(*one, BackendState::healthy);
  EXPECT_EQ(transitions_.size(), 3u);
}

TEST_F(ProberTest, FindsARefusingBackendUnhealthyAtOnce) {
  RefusingAddress nobody;
  auto one = backend(nobody.address());
  watch({{one, check(1h), at(nobody.address()), {}}});
  await_state(*one, BackendState::unhealthy);
  EXPECT_EQ(transitions_[0].reason,
            "first result is a failure (http GET /health at " + nobody.address().to_string() + "): connect: refused");
}

TEST_F(ProberTest, ANameThatDoesNotResolveIsUnhealthyWithChecksAndWithout) {
  auto one = std::make_shared<pool::Backend>("site", "a", "missing.example", 80);
  auto two = std::make_shared<pool::Backend>("site", "b", "missing.example", 81);
  watch({{one, check(), nullptr, {}, {}, "no such name"},
         {two, off(), std::make_shared<const pool::Addresses>(), {}, {}, "no such name"}});
  for (const auto& backend : {one, two}) {
    await_state(*backend, BackendState::unhealthy);
    EXPECT_EQ(prober_->details(*backend)->history.back().reason,
              "the name missing.example does not resolve: no such name");
  }
}

TEST_F(ProberTest, NothingIsSaidOfABackendBeforeTheFirstLookUpOfItsNameHasEnded) {
  Switchable server;
  auto one = backend(server.address());
  auto two = backend(server.address());
  watch({{one, check(1h), nullptr, {}}, {two, off(), nullptr, {}}});
  for (int i = 0; i < 10; ++i) prober_->report_connect_failure(*one, {.code = base::ErrorCode::timeout});
  settle();
  EXPECT_EQ(prober_->details(*one)->state, BackendState::unknown);
  EXPECT_EQ(prober_->details(*two)->state, BackendState::unknown);
  watch({{one, check(1h), at(server.address()), {}}, {two, off(), at(server.address()), {}}});
  await_state(*one, BackendState::healthy);
  await_state(*two, BackendState::healthy);
  EXPECT_EQ(prober_->details(*one)->history.size(), 1u) << "the first probe decides, and it is made at once";
}

TEST_F(ProberTest, EachAddressOfABackendIsProbedAndThoseThatFailAreNoted) {
  Switchable good;
  auto one = std::make_shared<pool::Backend>("site", "a", "two.example", 80);
  auto two = std::make_shared<const pool::Addresses>(
      pool::Addresses{{.ip = *base::IpAddress::parse("127.0.0.2"), .port = good.address().port}, good.address()});
  auto endpoint = std::make_shared<pool::Endpoint>(pool::EndpointIdentity{"two.example", 80});
  watch({{.backend = one, .check = check(), .addresses = two, .path = {}, .endpoint = endpoint}});
  await_state(*one, BackendState::healthy);
  auto give_up = base::now() + 20s;
  while (!endpoint->failed_addresses.contains(two->front().ip, base::now()) && base::now() < give_up) {
    std::this_thread::yield();
  }
  EXPECT_TRUE(endpoint->failed_addresses.contains(two->front().ip, base::now()));
  EXPECT_FALSE(endpoint->failed_addresses.contains(two->back().ip, base::now()));
  settle();
  EXPECT_EQ(prober_->details(*one)->state, BackendState::healthy) << "it can be used at its other address";
}

TEST_F(ProberTest, WithChecksOffABackendIsHealthyAndNeverProbed) {
  Switchable server;
  auto one = backend(server.address());
  watch({{one, off(), at(server.address()), {}}});
  await_state(*one, BackendState::healthy);
  EXPECT_EQ(transitions_[0].reason, "health checks are off");
  for (int i = 0; i < 10; ++i) prober_->report_connect_failure(*one, {.code = base::ErrorCode::refused});
  settle();
  EXPECT_EQ(prober_->details(*one)->state, BackendState::healthy);
  EXPECT_EQ(server.probes(), 0);
}

TEST_F(ProberTest, TurningChecksOnAndOffFollows) {
  RefusingAddress nobody;
  auto one = backend(nobody.address());
  watch({{one, off(), at(nobody.address()), {}}});
  await_state(*one, BackendState::healthy);
  watch({{one, check(), at(nobody.address()), {}}});
  await_state(*one, BackendState::unhealthy);
  watch({{one, off(), at(nobody.address()), {}}});
  await_state(*one, BackendState::healthy);
}

TEST_F(ProberTest, UsesThePortAndThePathOfTheCheck) {
  Switchable server;
  auto one = backend({server.address().ip, 1});
  auto other_port = check(1h);
  other_port->port = server.address().port;
  watch({{one, other_port, at({server.address().ip, 1}), "/own"}});
  await_state(*one, BackendState::healthy);
  EXPECT_TRUE(server.last_request().starts_with("GET /own HTTP/1.1\r\n"));
}

TEST_F(ProberTest, FailuresOfTrafficTakeABackendOutAtOnce) {
  Switchable server;
  auto one = backend(server.address());
  watch({{one, check(1h), at(server.address()), {}}});
  await_state(*one, BackendState::healthy);
  server.well = false;
  for (int i = 0; i < 3; ++i) prober_->report_connect_failure(*one, {.code = base::ErrorCode::refused});
  await_state(*one, BackendState::unhealthy);
  auto details = prober_->details(*one);
  EXPECT_GE(details->consecutive_failures, 3u);
}

TEST_F(ProberTest, OneFailureOfTrafficBringsTheNextProbeForward) {
  Switchable server;
  auto one = backend(server.address());
  watch({{one, check(1h), at(server.address()), {}}});
  auto quick = check(1h);
  quick->fast_interval = 5ms;
  watch({{one, quick, at(server.address()), {}}});
  await_state(*one, BackendState::healthy);
  server.well = false;
  prober_->report_connect_failure(*one, {.code = base::ErrorCode::timeout});
  await_state(*one, BackendState::unhealthy);
  EXPECT_GE(server.probes(), 3);
}

TEST_F(ProberTest, AFirstFailureIsFollowedByProbesAtTheFastInterval) {
  Switchable server;
  server.well = false;
  auto one = backend(server.address());
  auto hourly = check(1h);
  hourly->fast_interval = 5ms;
  hourly->unhealthy_threshold = 1'000'000;
  watch({{one, hourly, at(server.address()), {}}});
  await_state(*one, BackendState::unhealthy);
  server.well = true;
  await_state(*one, BackendState::healthy);
}

TEST_F(ProberTest, FailuresOfAnUnknownBackendAreIgnored) {
  Switchable server;
  auto stranger = backend(server.address());
  prober_->report_connect_failure(*stranger, {.code = base::ErrorCode::refused});
  auto one = backend(server.address());
  watch({{one, check(1h), at(server.address()), {}}});
  await_state(*one, BackendState::healthy);
  prober_->report_connect_failure(*stranger, {.code = base::ErrorCode::refused});
  settle();
  EXPECT_FALSE(prober_->details(*stranger));
  EXPECT_EQ(prober_->details(*one)->consecutive_failures, 0u);
}

TEST_F(ProberTest, KeepsWhatItKnowsOfBackendsThatStay) {
  Switchable server;
  auto one = backend(server.address());
  auto two = backend(server.address());
  watch({{one, check(1h), at(server.address()), {}}});
  await_state(*one, BackendState::healthy);
  auto before = prober_->details(*one);
  watch({{one, check(1h), at(server.address()), {}}, {two, check(1h), at(server.address()), {}}});
  await_state(*two, BackendState::healthy);
  EXPECT_EQ(server.probes(), 2);
  EXPECT_EQ(prober_->details(*one)->history.size(), before->history.size());
  watch({{two, check(1h), at(server.address()), {}}});
  settle();
  EXPECT_FALSE(prober_->details(*one));
  EXPECT_TRUE(prober_->details(*two));
}

TEST_F(ProberTest, AChangedAddressIsProbedSoon) {
  RefusingAddress nobody;
  Switchable server;
  auto one = backend(nobody.address());
  watch({{one, check(1h), at(nobody.address()), {}}});
  await_state(*one, BackendState::unhealthy);
  watch({{one, check(1h), at(server.address()), {}}});
  await_state(*one, BackendState::healthy);
}

TEST_F(ProberTest, ARemovedBackendReportsNothingMore) {
  std::atomic<bool> release{false};
  ScriptedServer slow([&](ScriptedConnection& connection) {
    connection.read_head();
    while (!release && connection.pause(1)) {
    }
    connection.send_text(kOk);
  });
  auto one = backend(slow.address());
  watch({{one, check(1h), at(slow.address()), {}}});
  while (slow.connections() == 0) std::this_thread::yield();
  watch({});
  settle();
  release = true;
  watch({{one, check(1h), at(slow.address()), {}}});
  await_state(*one, BackendState::healthy);
  EXPECT_EQ(prober_->details(*one)->history.size(), 1u);
  EXPECT_EQ(slow.connections(), 2);
}

TEST_F(ProberTest, TheSameBackendTwiceInTheListIsOne) {
  Switchable server;
  auto one = backend(server.address());
  watch({{one, check(1h), at(server.address()), {}}, {one, check(1h), at(server.address()), {}}});
  await_state(*one, BackendState::healthy);
  settle();
  EXPECT_EQ(server.probes(), 1);
}

TEST_F(ProberTest, StopsWithProbesUnderWay) {
  ScriptedServer silent([](ScriptedConnection& connection) { connection.hang(); });
  std::vector<WatchedBackend> wanted;
  auto shared = check(1h);
  for (int i = 0; i < 50; ++i) wanted.push_back({backend(silent.address()), shared, at(silent.address()), {}});
  watch(std::move(wanted));
  while (silent.connections() == 0) std::this_thread::yield();
  prober_.reset();
  EXPECT_TRUE(transitions_.empty());
}

TEST_F(ProberTest, WorksThroughMoreBackendsThanItProbesAtOnce) {
  start({.max_in_flight = 4});
  Switchable server;
  std::vector<WatchedBackend> wanted;
  auto shared = check(1h);
  for (int i = 0; i < 200; ++i) wanted.push_back({backend(server.address()), shared, at(server.address()), {}});
  watch(std::move(wanted));
  await([](const auto& all) { return all.size() == 200; });
  for (const Transition& transition : transitions_) EXPECT_EQ(transition.to, BackendState::healthy);
}

TEST_F(ProberTest, CountsChecksAndTheirDuration) {
  Switchable server;
  RefusingAddress nobody;
  auto one = backend(server.address());
  auto two = backend(nobody.address());
  watch({{one, check(1h), at(server.address()), {}}, {two, check(1h), at(nobody.address()), {}}});
  await_state(*one, BackendState::healthy);
  await_state(*two, BackendState::unhealthy);
  std::string text = registry_.exposition();
  EXPECT_NE(text.find("weir_health_checks_total{result=\"success\"} 1"), std::string::npos) << text;
  EXPECT_NE(text.find("weir_health_checks_total{result=\"failure\"} 1"), std::string::npos) << text;
  EXPECT_NE(text.find("weir_health_check_duration_seconds_count 2"), std::string::npos) << text;
}

TEST_F(ProberTest, ReportsAndReadsFromManyThreadsAtOnce) {
  Switchable server;
  std::vector<WatchedBackend> wanted;
  auto shared = check(5ms);
  for (int i = 0; i < 20; ++i) wanted.push_back({backend(server.address()), shared, at(server.address()), {}});
  watch(wanted);
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 2000; ++i) {
        const pool::Backend& one = *wanted[static_cast<std::size_t>(i) % wanted.size()].backend;
        if (t < 2) prober_->report_connect_failure(one, {.code = base::ErrorCode::refused});
        if (t == 2) (void)prober_->details(one);
        if (t == 2 && i % 100 == 0) prober_->watch(wanted);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  settle();
  for (const WatchedBackend& one : wanted) EXPECT_TRUE(prober_->details(*one.backend));
}

}  // namespace
}  // namespace weir::health
