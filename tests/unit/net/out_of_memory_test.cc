// Work that lacks memory ends; everybody else goes on. Allocations of this program fail when a test says so.
#include <new>

#include "gtest/gtest.h"

#include "base/memory_reserve.h"
#include "net/reactor.h"
#include "net/task_group.h"
#include "net/wait.h"

#if !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)
#include "tests/unit/net/failing_allocations.h"

namespace weir::net {
namespace {

using namespace std::chrono_literals;

// More than the C library keeps at hand, and a call that the compiler may not leave out.
void grab_memory() { ::operator delete(::operator new(100'000)); }

class OutOfMemoryTest : public testing::Test {
 protected:
  OutOfMemoryTest() { reactor_.adopt_thread(); }
  Reactor reactor_;
  TaskGroup group_;
};

struct Counted {
  explicit Counted(int& counter) : count(counter) { ++count; }
  ~Counted() { --count; }
  int& count;
};

// Larger than the free lists keep: it always comes from the heap.
Task<int> in_a_large_frame() {
  char room[4096]{};
  // What knows its address may use all of it, so that all of it is in the frame.
  asm volatile("" : : "r"(room) : "memory");
  co_await yield();
  asm volatile("" : : "r"(room) : "memory");
  co_return room[0] + 1;
}

Task<void> lack_memory_after_a_wait(int& alive, bool& went_on) {
  Counted counted(alive);
  co_await yield();
  Failing failing;
  int got = co_await in_a_large_frame();
  went_on = got > 0;
}

Task<int> pass_on(int& alive) {
  Counted counted(alive);
  Failing failing;
  co_return co_await in_a_large_frame();
}

Task<void> notice(int& alive, bool& noticed) {
  co_await yield();
  try {
    int got = co_await pass_on(alive);
    noticed = got < 0;
  } catch (const std::bad_alloc&) {
    noticed = true;
  }
}

TEST_F(OutOfMemoryTest, AChainOfTasksThatLacksMemoryEndsAndFreesWhatItHad) {
  int alive = 0;
  bool went_on = false;
  group_.spawn(lack_memory_after_a_wait(alive, went_on));
  EXPECT_EQ(alive, 1);
  reactor_.run_once(reactor_.now());
  EXPECT_EQ(group_.size(), 0u);
  EXPECT_EQ(alive, 0);
  EXPECT_FALSE(went_on);
}

TEST_F(OutOfMemoryTest, WhoAwaitsATaskMayGoOnWithoutIt) {
  int alive = 0;
  bool noticed = false;
  group_.spawn(notice(alive, noticed));
  reactor_.run_once(reactor_.now());
  EXPECT_TRUE(noticed);
  EXPECT_EQ(alive, 0);
  EXPECT_EQ(group_.size(), 0u);
}

TEST_F(OutOfMemoryTest, AMessageThatLacksMemoryStopsNoOther) {
  bool second = false;
  reactor_.post([] {
    Failing failing;
    grab_memory();
  });
  reactor_.post([&second] { second = true; });
  reactor_.run_once(reactor_.now());
  EXPECT_TRUE(second);
}

struct GreedyTimer final : TimerNode {
  void on_timer() override {
    Failing failing;
    grab_memory();
  }
};
struct Timer final : TimerNode {
  void on_timer() override { fired = true; }
  bool fired = false;
};

TEST_F(OutOfMemoryTest, ATimerThatLacksMemoryStopsNoOther) {
  GreedyTimer greedy;
  Timer other;
  reactor_.timers().arm(greedy, 1);
  reactor_.timers().arm(other, 1);
  base::TimePoint give_up = base::now() + 5s;
  while (!other.fired && base::now() < give_up) reactor_.run_once(base::now() + 1ms);
  EXPECT_TRUE(other.fired);
}

TEST_F(OutOfMemoryTest, TheReserveIsGivenUpBeforeAnAllocationFailsAndComesBack) {
  std::new_handler before = std::get_new_handler();
  base::memory_reserve::keep();
  EXPECT_TRUE(base::memory_reserve::is_whole());
  bool failed = false;
  try {
    Failing failing;
    grab_memory();
  } catch (const std::bad_alloc&) {
    failed = true;
  }
  std::set_new_handler(before);
  EXPECT_TRUE(failed);
  EXPECT_FALSE(base::memory_reserve::is_whole());
  EXPECT_TRUE(base::memory_reserve::refill());
  EXPECT_TRUE(base::memory_reserve::is_whole());
}

}  // namespace
}  // namespace weir::net
#endif
