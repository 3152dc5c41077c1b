#include "control/change_queue.h"

#include <string>

#include "gtest/gtest.h"

#include "net/task_group.h"

namespace weir::control {
namespace {

using std::chrono::seconds;

class ChangeQueueTest : public testing::Test {
 protected:
  ChangeQueueTest() { reactor_.adopt_thread(); }

  // Has its turn for `duration`.
  net::Task<void> change(char name, base::Nanoseconds patience, base::Nanoseconds duration) {
    base::Result<ChangeQueue::Turn> turn = co_await queue_.enter(reactor_.now() + patience);
    if (!turn) {
      story_ += turn.error().code == base::ErrorCode::timeout      ? '!'
                : turn.error().code == base::ErrorCode::queue_full ? '#'
                                                                   : '-';
      story_ += name;
      co_return;
    }
    story_ += name;
    base::Result<void> slept = co_await net::sleep_for(duration);
    static_cast<void>(slept);
  }
  void pass(base::Nanoseconds time) {
    // In steps that the reactor does not take for lateness of its own.
    constexpr base::Nanoseconds kStep = std::chrono::milliseconds(50);
    for (; time > base::Nanoseconds(0); time -= kStep) {
      clock_.advance(kStep);
      reactor_.run_once(reactor_.now());
    }
    for (int round = 0; round < 10; ++round) reactor_.run_once(reactor_.now());
  }

  base::ManualClock clock_;
  net::Reactor reactor_{&clock_};
  ChangeQueue queue_{3};
  std::string story_;
  net::TaskGroup tasks_;
};

TEST_F(ChangeQueueTest, GivesTurnsInTheOrderOfArrival) {
  for (char name : {'a', 'b', 'c'}) tasks_.spawn(change(name, seconds(10), seconds(1)));
  EXPECT_EQ(story_, "a");
  pass(seconds(1));
  EXPECT_EQ(story_, "ab");
  tasks_.spawn(change('d', seconds(10), seconds(1)));
  for (int i = 0; i < 3; ++i) pass(seconds(1));
  EXPECT_EQ(story_, "abcd");
}

TEST_F(ChangeQueueTest, NobodyOvertakesWhoeverWaits) {
  tasks_.spawn(change('a', seconds(10), seconds(1)));
  tasks_.spawn(change('b', seconds(10), seconds(1)));
  EXPECT_FALSE(queue_.try_enter());
  pass(seconds(1));
  EXPECT_FALSE(queue_.try_enter()) << "it is b's";
  pass(seconds(2));
  EXPECT_TRUE(queue_.try_enter());
}

TEST_F(ChangeQueueTest, WaitingEndsAtTheDeadlineAndTheOthersGoOn) {
  tasks_.spawn(change('a', seconds(10), seconds(5)));
  tasks_.spawn(change('b', seconds(2), seconds(1)));
  tasks_.spawn(change('c', seconds(10), seconds(1)));
  pass(seconds(2));
  EXPECT_EQ(story_, "a!b");
  pass(seconds(3));
  EXPECT_EQ(story_, "a!bc");
  pass(seconds(1));
}

TEST_F(ChangeQueueTest, RefusesAtOnceWhereTooManyWait) {
  for (char name : {'a', 'b', 'c', 'd', 'e'}) tasks_.spawn(change(name, seconds(10), seconds(1)));
  EXPECT_EQ(story_, "a#e");
  for (int i = 0; i < 4; ++i) pass(seconds(1));
  EXPECT_EQ(story_, "a#ebcd");
}

TEST_F(ChangeQueueTest, WhoeverIsCancelledLeavesTheQueue) {
  tasks_.spawn(change('a', seconds(10), seconds(1)));
  net::TaskGroup others;
  others.spawn(change('b', seconds(10), seconds(1)));
  others.cancel();
  tasks_.spawn(change('c', seconds(10), seconds(1)));
  pass(seconds(1));
  EXPECT_EQ(story_, "a-bc");
  pass(seconds(1));
}

TEST_F(ChangeQueueTest, ATurnThatReachesACancelledChangeGoesOnToTheNext) {
  net::TaskGroup others;
  {
    std::optional<ChangeQueue::Turn> first = queue_.try_enter();
    ASSERT_TRUE(first);
    others.spawn(change('b', seconds(10), seconds(1)));
    tasks_.spawn(change('c', seconds(10), seconds(1)));
  }
  others.cancel();  // its turn is under way to it
  pass(base::Nanoseconds(0));
  EXPECT_EQ(story_, "bc");
  pass(seconds(1));
  EXPECT_TRUE(queue_.try_enter());
}

TEST_F(ChangeQueueTest, ATurnThatWasHandedOnEndsOnce) {
  std::optional<ChangeQueue::Turn> first = queue_.try_enter();
  ASSERT_TRUE(first);
  {
    ChangeQueue::Turn owner = std::move(*first);
    first.reset();
    EXPECT_FALSE(queue_.try_enter()) << "the new owner has it";
  }
  EXPECT_TRUE(queue_.try_enter());
}

}  // namespace
}  // namespace weir::control
