#include "filter/password_checks.h"

#include <crypt.h>
#include <fmt/format.h>
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
  net::Task<Outcome> check(std::string password, std::uint32_t client = 1) {
    return checks_.matches(question(std::move(password), client), reactor_.now() + std::chrono::seconds(60));
  }
  PasswordChecks::Question question(std::string password, std::uint32_t client = 1) const {
    return {.hash = hash_,
            .password = std::move(password),
            .client = base::IpAddress::parse(fmt::format("2001:db8:0:{:x}::{:x}", client, client + 7)).value()};
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
  std::uint32_t client = 0;
  for (std::optional<Outcome>& outcome : outcomes) group.spawn(keep(check("secret", ++client), outcome));
  ASSERT_TRUE(outcomes.back().has_value()) << "at once";
  ASSERT_FALSE(outcomes.back()->has_value());
  EXPECT_EQ(outcomes.back()->error().code, base::ErrorCode::exhausted);
  checks_.start();
  finish(group);
  EXPECT_EQ(*outcomes.front(), true);
}

TEST_F(PasswordChecksTest, OneClientLeavesRoomForOthers) {
  std::vector<std::optional<Outcome>> outcomes(PasswordChecks::kMostOfClient + 1);
  std::optional<Outcome> other;
  net::TaskGroup group;
  for (std::optional<Outcome>& outcome : outcomes) group.spawn(keep(check("guess"), outcome));
  group.spawn(keep(check("secret", 2), other));
  ASSERT_TRUE(outcomes.back().has_value() && !outcomes.back()->has_value());
  EXPECT_STREQ(outcomes.back()->error().what, "too many passwords of this client wait to be checked");
  EXPECT_FALSE(other.has_value()) << "it waits";
  checks_.start();
  finish(group);
  EXPECT_EQ(*other, true);
}

TEST_F(PasswordChecksTest, AHashThatCannotBeMadeIsNoWrongPassword) {
  checks_.start();
  hash_ = "$2b$99$abcdefghijklmnopqrstuu";
  std::optional<Outcome> outcome;
  net::TaskGroup group;
  group.spawn(keep(check("secret"), outcome));
  finish(group);
  ASSERT_FALSE(outcome->has_value());
  EXPECT_EQ(outcome->error().code, base::ErrorCode::exhausted);
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
    group.spawn(keep(going.matches(question("secret"), reactor_.now() + std::chrono::milliseconds(1)), outcome));
  }
  finish(group);
  ASSERT_TRUE(outcome.has_value() && !outcome->has_value());
  EXPECT_EQ(outcome->error().code, base::ErrorCode::timeout);
}

}  // namespace
}  // namespace weir::filter
