#include "filter/known_passwords.h"

#include "gtest/gtest.h"

#include "filter/checks_under_way.h"
#include "net/task_group.h"

namespace weir::filter {
namespace {

using namespace std::chrono_literals;

constexpr base::TimePoint kStart{1h};

TEST(KnownPasswords, AreThoseOfOneWorkerForATime) {
  KnownPasswords known(2);
  KnownPasswords::Tag tag = known.tag("anna", "secret", "hash");
  EXPECT_EQ(known.find(0, tag, kStart), std::nullopt);
  known.keep(0, tag, true, kStart);
  EXPECT_EQ(known.find(0, tag, kStart + 9min), true);
  EXPECT_EQ(known.find(0, tag, kStart + 10min), std::nullopt);
  EXPECT_EQ(known.find(1, tag, kStart), std::nullopt);
}

TEST(KnownPasswords, WrongOnesAreForgottenSoon) {
  KnownPasswords known(1);
  KnownPasswords::Tag tag = known.tag("anna", "wrong", "hash");
  known.keep(0, tag, false, kStart);
  EXPECT_EQ(known.find(0, tag, kStart + 4s), false);
  EXPECT_EQ(known.find(0, tag, kStart + 5s), std::nullopt);
}

TEST(KnownPasswords, EveryPartOfATagCounts) {
  KnownPasswords known(1);
  KnownPasswords::Tag tag = known.tag("anna", "secret", "hash");
  EXPECT_EQ(known.tag("anna", "secret", "hash"), tag);
  EXPECT_NE(known.tag("bert", "secret", "hash"), tag);
  EXPECT_NE(known.tag("anna", "secret2", "hash"), tag);
  EXPECT_NE(known.tag("anna", "secret", "hash2"), tag);
  EXPECT_NE(known.tag("anna", "", "secret"), known.tag("anna", "secret", ""));
  EXPECT_NE(KnownPasswords(1).tag("anna", "secret", "hash"), tag) << "each has a key of its own";
}

TEST(KnownPasswords, ATableIsBoundedAndKeepsTheLatest) {
  KnownPasswords known(1);
  for (int i = 0; i < 20'000; ++i) known.keep(0, known.tag("a", std::to_string(i), "h"), true, kStart + i * 1ms);
  EXPECT_EQ(known.find(0, known.tag("a", "19999", "h"), kStart + 20s), true);
  int kept = 0;
  for (int i = 0; i < 20'000; ++i) kept += known.find(0, known.tag("a", std::to_string(i), "h"), kStart + 20s) ? 1 : 0;
  EXPECT_LE(kept, 1024);
}

class ChecksUnderWayTest : public testing::Test {
 protected:
  ChecksUnderWayTest() { reactor_.adopt_thread(); }
  static net::Task<void> follow(ChecksUnderWay::Leader& leader, base::TimePoint deadline,
                                std::optional<base::Result<void>>& outcome) {
    outcome.emplace(co_await leader.follow(deadline));
  }
  void finish(net::TaskGroup& group) {
    while (group.size() > 0) reactor_.run_once(reactor_.now() + 10ms);
  }
  net::Reactor reactor_;
  KnownPasswords known_{2};
  ChecksUnderWay checks_{2};
};

TEST_F(ChecksUnderWayTest, AreThoseOfOneWorkerAndTag) {
  KnownPasswords::Tag tag = known_.tag("anna", "secret", "hash");
  {
    ChecksUnderWay::Leader leader(checks_, 0, tag);
    EXPECT_EQ(checks_.find(0, tag), &leader);
    EXPECT_EQ(checks_.find(1, tag), nullptr);
    EXPECT_EQ(checks_.find(0, known_.tag("anna", "other", "hash")), nullptr);
  }
  EXPECT_EQ(checks_.find(0, tag), nullptr);
}

TEST_F(ChecksUnderWayTest, FollowersLookAgainWhenTheCheckHasEnded) {
  std::optional<base::Result<void>> first, second;
  net::TaskGroup group;
  {
    ChecksUnderWay::Leader leader(checks_, 0, known_.tag("anna", "secret", "hash"));
    group.spawn(follow(leader, reactor_.now() + 1h, first));
    group.spawn(follow(leader, reactor_.now() + 1h, second));
    reactor_.run_once(reactor_.now());
    EXPECT_FALSE(first.has_value());
  }
  finish(group);
  EXPECT_TRUE(first->has_value() && second->has_value());
}

TEST_F(ChecksUnderWayTest, AFollowerMayLeaveFirst) {
  std::optional<base::Result<void>> late, left;
  ChecksUnderWay::Leader leader(checks_, 0, known_.tag("anna", "secret", "hash"));
  net::TaskGroup group, leaving;
  group.spawn(follow(leader, reactor_.now() + 1ms, late));
  leaving.spawn(follow(leader, reactor_.now() + 1h, left));
  leaving.cancel();
  finish(leaving);
  finish(group);
  EXPECT_EQ(late->error().code, base::ErrorCode::timeout);
  EXPECT_EQ(left->error().code, base::ErrorCode::cancelled);
}

}  // namespace
}  // namespace weir::filter
