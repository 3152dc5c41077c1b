#include "control/memory_upkeep.h"

#include <vector>

#include "gtest/gtest.h"

#include "base/free_list.h"
#include "base/memory_reserve.h"
#include "tests/unit/control/idle_workers.h"

namespace weir::control {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kMuch = 8 * 1024 * 1024;
constexpr std::size_t kLittle = 1024 * 1024;

class MemoryUpkeepTest : public testing::Test {
 protected:
  void tick_after(base::Nanoseconds time) {
    clock_.advance(time);
    upkeep_.tick(clock_.now());
  }
  // A burst that is over: half of the buffers that it leaves free goes back.
  static void burst() {
    std::vector<base::Buffer> buffers;
    for (int i = 0; i < 4; ++i) buffers.push_back(base::Buffer::large());
  }
  void settle() {
    workers_.do_on_threads([] {});
  }
  std::size_t given_back() const { return workers_.services.given_back; }

  base::ManualClock clock_;
  IdleWorkers workers_;
  MemoryUpkeep upkeep_{workers_.services, workers_.all};
};

TEST_F(MemoryUpkeepTest, WorkersGiveBackWhatABurstHasLeftEveryFiveSeconds) {
  workers_.start();
  tick_after(seconds(0));
  settle();
  workers_.services.given_back = 0;
  workers_.do_on_threads(burst);
  tick_after(milliseconds(4999));
  settle();
  EXPECT_EQ(given_back(), 0u);
  tick_after(milliseconds(1));
  settle();
  EXPECT_GT(given_back(), 0u);
}

TEST_F(MemoryUpkeepTest, TheHeapIsTrimmedWhenMuchWasGivenBackToIt) {
  workers_.services.given_back = kMuch;
  tick_after(seconds(0));
  EXPECT_EQ(given_back(), 0u) << "counted anew";
}

TEST_F(MemoryUpkeepTest, LittleIsLeftInTheHeapForAMinute) {
  workers_.services.given_back = kMuch;
  tick_after(seconds(0));
  workers_.services.given_back = kLittle;
  for (int i = 0; i < 11; ++i) tick_after(seconds(5));
  EXPECT_EQ(given_back(), kLittle);
}

TEST_F(MemoryUpkeepTest, TheReserveIsRefilledAtEveryTick) {
  base::memory_reserve::whole = false;
  tick_after(seconds(0));
  EXPECT_TRUE(base::memory_reserve::is_whole());
  base::memory_reserve::whole = false;
  tick_after(seconds(1));
  EXPECT_TRUE(base::memory_reserve::is_whole());
}

}  // namespace
}  // namespace weir::control
