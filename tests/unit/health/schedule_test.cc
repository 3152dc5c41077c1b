#include "health/schedule.h"

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "gtest/gtest.h"

#include "base/hash.h"

namespace weir::health {
namespace {

using namespace std::chrono_literals;

class ScheduleTest : public testing::Test {
 protected:
  // Runs everything that is due up to `until`, each probe ending at once; times by id.
  std::multimap<Schedule::Id, base::TimePoint> run_until(Schedule& schedule, base::TimePoint until,
                                                         Pace pace = Pace::normal) {
    std::multimap<Schedule::Id, base::TimePoint> started;
    while (true) {
      std::optional<base::TimePoint> due = schedule.next_due();
      if (!due || *due > until) break;
      if (*due > clock_.now()) clock_.advance(*due - clock_.now());
      std::optional<Schedule::Id> id = schedule.start(clock_.now());
      EXPECT_TRUE(id);
      started.emplace(*id, clock_.now());
      schedule.finish(*id, clock_.now(), pace);
    }
    clock_.advance(until - clock_.now());
    return started;
  }
  void fill(Schedule& schedule, std::uint32_t count, const Cadence& cadence) {
    for (std::uint32_t id = 0; id < count; ++id) schedule.add(id, base::mix(id + 1), cadence, clock_.now());
  }

  base::ManualClock clock_;
  static constexpr Cadence kExact{.interval = 5s, .fast_interval = 1s, .jitter = 0};
  static constexpr Cadence kUsual{.interval = 5s, .fast_interval = 1s, .jitter = 0.1};
};

TEST_F(ScheduleTest, AnEmptyScheduleIsNeverDue) {
  Schedule schedule(10, 1);
  EXPECT_FALSE(schedule.next_due());
  EXPECT_FALSE(schedule.start(clock_.now()));
}

TEST_F(ScheduleTest, NothingStartsBeforeItIsDue) {
  Schedule schedule(10, 1);
  schedule.add(3, 77, kExact, clock_.now() + 10ms);
  EXPECT_EQ(schedule.next_due(), clock_.now() + 10ms);
  clock_.advance(9ms);
  EXPECT_FALSE(schedule.start(clock_.now()));
  clock_.advance(1ms);
  EXPECT_EQ(schedule.start(clock_.now()), 3u);
  EXPECT_FALSE(schedule.start(clock_.now()));
}

TEST_F(ScheduleTest, SpreadsTenThousandEvenlyOverTheInterval) {
  Schedule schedule(100'000, 1);
  fill(schedule, 10'000, kUsual);
  run_until(schedule, clock_.now() + 20s);
  base::TimePoint begin = clock_.now();
  std::vector<int> slices(500);
  for (const auto& [id, at] : run_until(schedule, begin + 5s - 1ns)) ++slices[(at - begin) / 10ms];
  // The fair share of a slice is 20.
  EXPECT_LE(*std::ranges::max_element(slices), 60);
  EXPECT_GE(*std::ranges::min_element(slices), 1);
}

TEST_F(ScheduleTest, ProbesEachEntryOncePerIntervalWithoutDrift) {
  Schedule schedule(100'000, 1);
  fill(schedule, 100, kExact);
  run_until(schedule, clock_.now() + 10s);
  auto started = run_until(schedule, clock_.now() + 50s);
  for (std::uint32_t id = 0; id < 100; ++id) {
    auto [first, last] = started.equal_range(id);
    EXPECT_EQ(std::distance(first, last), 10);
    for (auto at = first; std::next(at) != last; ++at) EXPECT_EQ(std::next(at)->second - at->second, 5s);
  }
}

TEST_F(ScheduleTest, JitterMovesATimeByAtMostItsShare) {
  Schedule schedule(100'000, 1);
  fill(schedule, 200, {.interval = 5s, .fast_interval = 1s, .jitter = 0.5});
  run_until(schedule, clock_.now() + 10s);
  auto started = run_until(schedule, clock_.now() + 500s);
  std::set<std::int64_t> gaps;
  for (std::uint32_t id = 0; id < 200; ++id) {
    auto [first, last] = started.equal_range(id);
    EXPECT_NEAR(static_cast<double>(std::distance(first, last)), 100, 1);
    for (auto at = first; std::next(at) != last; ++at) {
      base::Nanoseconds gap = std::next(at)->second - at->second;
      EXPECT_GE(gap, 2500ms);
      EXPECT_LE(gap, 7500ms);
      gaps.insert(gap.count());
    }
  }
  EXPECT_GT(gaps.size(), 10'000u);
}

TEST_F(ScheduleTest, ALateProbeDoesNotShiftTheNext) {
  Schedule schedule(10, 1);
  schedule.add(0, 5, kExact, clock_.now());
  run_until(schedule, clock_.now() + 10s);
  base::TimePoint due = *schedule.next_due();
  clock_.advance(due + 900ms - clock_.now());
  ASSERT_TRUE(schedule.start(clock_.now()));
  clock_.advance(600ms);
  schedule.finish(0, clock_.now(), Pace::normal);
  EXPECT_EQ(schedule.next_due(), due + 5s);
}

TEST_F(ScheduleTest, MissedTimesAreSkippedAndNotMadeUpFor) {
  Schedule schedule(10, 1);
  schedule.add(0, 5, kExact, clock_.now());
  run_until(schedule, clock_.now() + 10s);
  base::TimePoint due = *schedule.next_due();
  clock_.advance(due - clock_.now());
  ASSERT_TRUE(schedule.start(clock_.now()));
  clock_.advance(17s);
  schedule.finish(0, clock_.now(), Pace::normal);
  EXPECT_EQ(schedule.next_due(), due + 20s);
}

TEST_F(ScheduleTest, TheFastPaceComesAfterTheEndOfTheProbeAndReturnsToTheGrid) {
  Schedule schedule(10, 1);
  schedule.add(0, 5, kExact, clock_.now());
  run_until(schedule, clock_.now() + 10s);
  base::TimePoint on_grid = *schedule.next_due();
  auto fast = run_until(schedule, on_grid + 3500ms, Pace::fast);
  EXPECT_EQ(fast.size(), 4u);
  auto normal = run_until(schedule, on_grid + 11s, Pace::normal);
  std::vector<base::TimePoint> times;
  for (const auto& [id, at] : normal) times.push_back(at);
  EXPECT_EQ(times, (std::vector{on_grid + 4s, on_grid + 10s}));
}

TEST_F(ScheduleTest, AChangedSetKeepsTheTimesOfTheOthers) {
  Schedule schedule(100'000, 1);
  fill(schedule, 1000, kExact);
  run_until(schedule, clock_.now() + 10s);
  auto before = run_until(schedule, clock_.now() + 5s - 1ns);
  for (std::uint32_t id = 0; id < 1000; id += 2) schedule.remove(id);
  for (std::uint32_t id = 1000; id < 2000; ++id) schedule.add(id, base::mix(id + 1), kExact, clock_.now());
  clock_.advance(1ns);
  auto after = run_until(schedule, clock_.now() + 5s - 1ns);
  for (std::uint32_t id = 1; id < 1000; id += 2) {
    ASSERT_EQ(after.count(id), 1u);
    EXPECT_EQ(after.find(id)->second - before.find(id)->second, 5s);
  }
  for (std::uint32_t id = 0; id < 1000; id += 2) EXPECT_EQ(after.count(id), 0u);
  EXPECT_EQ(schedule.size(), 1500u);
}

TEST_F(ScheduleTest, BoundsWhatIsInFlightAndStartsTheMostOverdueFirst) {
  Schedule schedule(3, 1);
  for (std::uint32_t id = 0; id < 10; ++id) schedule.add(id, id, kExact, clock_.now() + (10 - id) * 1ms);
  clock_.advance(20ms);
  EXPECT_EQ(schedule.start(clock_.now()), 9u);
  EXPECT_EQ(schedule.start(clock_.now()), 8u);
  EXPECT_EQ(schedule.start(clock_.now()), 7u);
  EXPECT_FALSE(schedule.start(clock_.now()));
  EXPECT_FALSE(schedule.next_due());
  EXPECT_EQ(schedule.in_flight(), 3u);
  schedule.finish(8, clock_.now(), Pace::normal);
  EXPECT_EQ(schedule.start(clock_.now()), 6u);
}

TEST_F(ScheduleTest, AnEntryIsNeverInFlightTwice) {
  Schedule schedule(10, 1);
  schedule.add(0, 5, kExact, clock_.now());
  ASSERT_TRUE(schedule.start(clock_.now()));
  clock_.advance(1h);
  EXPECT_FALSE(schedule.start(clock_.now()));
  EXPECT_FALSE(schedule.next_due());
}

TEST_F(ScheduleTest, HurryingBringsTheNextProbeForwardButNeverBack) {
  Schedule schedule(10, 1);
  schedule.add(0, 5, kExact, clock_.now() + 4s);
  schedule.hurry(0, clock_.now());
  EXPECT_EQ(schedule.next_due(), clock_.now() + 1s);
  base::TimePoint due = *schedule.next_due();
  clock_.advance(500ms);
  schedule.hurry(0, clock_.now());
  EXPECT_EQ(schedule.next_due(), due);
  clock_.advance(500ms);
  ASSERT_TRUE(schedule.start(clock_.now()));
  schedule.hurry(0, clock_.now());
  EXPECT_FALSE(schedule.next_due());
}

TEST_F(ScheduleTest, RemovingAnEntryInFlightFreesItsPlace) {
  Schedule schedule(1, 1);
  schedule.add(0, 5, kExact, clock_.now());
  schedule.add(1, 6, kExact, clock_.now());
  std::uint32_t id = *schedule.start(clock_.now());
  schedule.remove(id);
  EXPECT_EQ(schedule.start(clock_.now()), 1 - id);
  schedule.add(id, 7, kExact, clock_.now());
  EXPECT_EQ(schedule.size(), 2u);
}

TEST_F(ScheduleTest, AShorterIntervalTakesEffectWithinIt) {
  Schedule schedule(10, 1);
  schedule.add(0, 5, {.interval = 1h, .fast_interval = 1s, .jitter = 0}, clock_.now() + 30min);
  schedule.set_cadence(0, kExact, clock_.now());
  EXPECT_LE(*schedule.next_due(), clock_.now() + 5s);
  base::TimePoint due = *schedule.next_due();
  schedule.set_cadence(0, kExact, clock_.now());
  EXPECT_EQ(schedule.next_due(), due);
}

TEST_F(ScheduleTest, StaysInOrderUnderRandomChanges) {
  Schedule schedule(50, 1);
  base::Random random(42);
  std::set<std::uint32_t> waiting, flying;
  for (int step = 0; step < 20'000; ++step) {
    auto id = static_cast<std::uint32_t>(random.below(300));
    bool known = waiting.contains(id) || flying.contains(id);
    switch (random.below(4)) {
      case 0:
        if (!known) {
          schedule.add(id, random.next(), kUsual, clock_.now() + base::Nanoseconds(random.below(5'000'000'000)));
          waiting.insert(id);
        }
        break;
      case 1:
        if (known && random.below(4) == 0) {
          schedule.remove(id);
          waiting.erase(id);
          flying.erase(id);
        } else if (known) {
          schedule.hurry(id, clock_.now());
        }
        break;
      case 2: {
        std::optional<base::TimePoint> due = schedule.next_due();
        ASSERT_EQ(due.has_value(), !waiting.empty() && flying.size() < 50);
        std::optional<Schedule::Id> next = schedule.start(clock_.now());
        ASSERT_EQ(next.has_value(), due.has_value() && *due <= clock_.now());
        if (!next) break;
        ASSERT_EQ(waiting.erase(*next), 1u);
        flying.insert(*next);
        break;
      }
      default:
        clock_.advance(5ms);
        if (!flying.empty() && random.below(2) == 0) {
          schedule.finish(*flying.begin(), clock_.now(), random.below(2) == 0 ? Pace::fast : Pace::normal);
          waiting.insert(*flying.begin());
          flying.erase(flying.begin());
        }
    }
    ASSERT_EQ(schedule.size(), waiting.size() + flying.size());
  }
}

}  // namespace
}  // namespace weir::health
