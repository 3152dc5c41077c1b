// What this machine lacks is no verdict on a backend, whatever probes it.
#include <optional>
#include <sys/resource.h>
#include <vector>

#include "gtest/gtest.h"

#include "health/checker.h"
#include "net/task_group.h"
#include "tests/support/scripted_server.h"

namespace weir::health {
namespace {

using namespace std::chrono_literals;

net::Task<void> check_into(Checker& checker, CheckTarget target, std::optional<CheckResult>& result) {
  result = co_await checker.check(target);
}

TEST(LackingDescriptors, EveryCheckerGivesNoVerdict) {
  net::Reactor reactor;
  reactor.adopt_thread();
  test::RefusingAddress nobody;
  std::vector<base::SocketAddress> addresses{nobody.address()};
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit none{.rlim_cur = 0, .rlim_max = before.rlim_max};
  for (const config::KindEntry& entry : checkers()) {
    std::unique_ptr<Checker> checker = make_checker({.name = std::string(entry.name), .options = {}});
    std::optional<CheckResult> result;
    net::TaskGroup group;
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
    group.spawn(check_into(*checker, {addresses, "backend.example", {}, 10s}, result));
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
    while (group.size() > 0) reactor.run_once(base::TimePoint::max());
    ASSERT_TRUE(result) << entry.name;
    EXPECT_FALSE(result->ok) << entry.name;
    EXPECT_TRUE(result->is_ours) << entry.name << ": " << result->error;
  }
}

}  // namespace
}  // namespace weir::health
