#include "filter/password_checks.h"

#include <crypt.h>
#include <optional>
#include <vector>

#include "gtest/gtest.h"

#include "net/reactor.h"
#include "net/task_group.h"

namespace weir::filter {
namespace {

using Outcome = base::Result<bool>;

class PasswordChecksTest : public testing::Test {
 protected:
  PasswordChecksTest() { reactor_.adopt_thread(); }
  static net::Task<void> keep(net::Task<Outcome> task, std::optional<Outcome>& outcome) {
    outcome.emplace(co_await task);
  }
  net::Task<Outcome> check(std::string password) {
    return checks_.matches(hash_, std::move(password), reactor_.now() + std::chrono::seconds(60));
  }
  void finish(net::TaskGroup& group) {
    while (group.size() > 0) reactor_.run_once(reactor_.now() + std::chrono::seconds(1));
  }

  std::string hash_ = crypt("secret", "$2b$04$abcdefghijklmnopqrstuu");
  net::Reactor reactor_;
  PasswordChecks checks_;
};

TEST_F(PasswordChecksTest, TellRightFromWrong) {
  checks_.start();
  std::optional<Outcome> right, wrong, longer;
  net::TaskGroup group;
  group.spawn(keep(check("secret"), right));
  group.spawn(keep(check("Secret"), wrong));
  group.spawn(keep(check(std::string("secret\0x", 8)), longer));
  finish(group);
  EXPECT_EQ(*right, true);
  EXPECT_EQ(*wrong, false);
  EXPECT_EQ(*longer, false);
}

TEST_F(PasswordChecksTest, RefuseMoreThanMayWait) {
  std::vector<std::optional<Outcome>> outcomes(PasswordChecks::kMostWaiting + 1);
  net::TaskGroup group;
  for (std::optional<Outcome>& outcome : outcomes) group.spawn(keep(check("secret"), outcome));
  ASSERT_TRUE(outcomes.back().has_value()) << "at once";
  ASSERT_FALSE(outcomes.back()->has_value());
  EXPECT_EQ(outcomes.back()->error().code, base::ErrorCode::exhausted);
  checks_.start();
  finish(group);
  EXPECT_EQ(*outcomes.front(), true);
}

TEST_F(PasswordChecksTest, WhoLeavesIsNotWaitedFor) {
  std::optional<Outcome> left;
  {
    net::TaskGroup group;
    group.spawn(keep(check("secret"), left));
    group.cancel();
    finish(group);
  }
  ASSERT_TRUE(left.has_value() && !left->has_value());
  EXPECT_EQ(left->error().code, base::ErrorCode::cancelled);
  checks_.start();
  std::optional<Outcome> next;
  net::TaskGroup group;
  group.spawn(keep(check("secret"), next));
  finish(group);
  EXPECT_EQ(*next, true);
}

TEST_F(PasswordChecksTest, EndWhileSomeWait) {
  std::optional<Outcome> outcome;
  net::TaskGroup group;
  {
    PasswordChecks going;
    group.spawn(keep(going.matches(hash_, "secret", reactor_.now() + std::chrono::milliseconds(1)), outcome));
  }
  finish(group);
  ASSERT_TRUE(outcome.has_value() && !outcome->has_value());
  EXPECT_EQ(outcome->error().code, base::ErrorCode::timeout);
}

}  // namespace
}  // namespace weir::filter
