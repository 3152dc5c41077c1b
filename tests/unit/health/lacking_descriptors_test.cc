// A lack of this machine is no verdict on a backend, whatever probes it.
#include <optional>
#include <sys/resource.h>
#include <thread>

#include "gtest/gtest.h"

#include "health/checker.h"
#include "net/task_group.h"
#include "tests/contract/checker_conversations.h"
#include "tests/unit/health/prober_fixture.h"

// UBSan itself needs descriptors, to look up the types of objects.
#if !__has_feature(address_sanitizer)
namespace weir::health {
namespace {

net::Task<void> check_into(Checker& checker, CheckTarget target, std::optional<CheckResult>& result) {
  result = co_await checker.check(target);
}

TEST(LackingDescriptors, EveryCheckerGivesNoVerdict) {
  net::Reactor reactor;
  reactor.adopt_thread();
  test::RefusingAddress nobody;
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit none{.rlim_cur = 0, .rlim_max = before.rlim_max};
  for (const config::KindEntry& entry : checkers()) {
    std::unique_ptr<Checker> checker =
        make_checker({.name = std::string(entry.name), .options = conversation_of(entry.name).options});
    // UBSan looks up the type of an object at the first virtual call of its kind, for which it needs descriptors
    // itself.
    static_cast<void>(checker->question({}));
    std::optional<CheckResult> result;
    net::TaskGroup group;
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
    group.spawn(check_into(
        *checker, {.address = nobody.address(), .host = "backend.example", .path = {}, .timeout = 10s}, result));
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
    while (group.size() > 0) reactor.run_once(base::TimePoint::max());
    ASSERT_TRUE(result) << entry.name;
    EXPECT_FALSE(result->ok) << entry.name;
    EXPECT_TRUE(result->is_ours) << entry.name << ": " << result->error;
  }
}

TEST_F(ProberTest, WhatThisMachineLacksTakesNoBackendOut) {
  Switchable server;
  auto watched = backend(server.address());
  watch({{watched, check(), at(server.address()), {}}});
  await_state(*watched, BackendState::healthy);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit none{.rlim_cur = 0, .rlim_max = before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  std::this_thread::sleep_for(200ms);  // many probes, none of which can be made
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  settle();
  int probes = server.probes();
  while (server.probes() == probes) std::this_thread::yield();
  EXPECT_EQ(prober_->details(*watched)->state, BackendState::healthy);
  EXPECT_EQ(prober_->details(*watched)->consecutive_failures, 0u);
}

}  // namespace
}  // namespace weir::health
#endif
