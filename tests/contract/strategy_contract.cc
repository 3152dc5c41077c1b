// The contract of every strategy of strategies.def.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <new>
#include <set>
#include <thread>

#include "gtest/gtest.h"

#include "tests/unit/balance/picking.h"

namespace {
thread_local std::uint64_t allocations = 0;
}
// The sanitizers bring their own; under them nothing is counted.
#if !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)
void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
#endif

namespace weir::balance {
namespace {

constexpr int kPicks = 100'000;

class StrategyContract : public testing::TestWithParam<std::string> {
 protected:
  static const config::Traits& traits() { return config::find_entry(strategies(), GetParam())->traits; }
  static std::uint64_t key(std::uint64_t number) { return base::hash_bytes(&number, sizeof number); }
  // How far from its share of `weight` a backend's picks may lie. A ring divides the circle at random: the sum of
  // 150 * weight stretches has a relative standard deviation of 1 / sqrt(150 * weight); four of them hold for all.
  static double tolerance(std::uint32_t weight) { return traits().is_uneven ? 4 / std::sqrt(150.0 * weight) : 0.02; }
  // Counts `picks` picks. Requests stay in progress where that is what the strategy looks at.
  static std::vector<int> count(Picker& picker, std::size_t backends, int picks) {
    std::vector<int> counts(backends);
    for (int i = 0; i < picks; ++i) {
      std::uint32_t index = picker.pick(key(static_cast<std::uint64_t>(i)));
      EXPECT_LT(index, backends);
      if (traits().by_load) picker.start(index);
      ++counts[index];
    }
    return counts;
  }
  static void expect_shares(const pool::BackendSet& set) {
    Picker picker(GetParam(), set);
    std::vector<int> counts = count(picker, set.size(), kPicks);
    double sum = 0;
    auto weight = [](const pool::BackendEntry& each) { return traits().ignores_weights ? 1 : each.weight; };
    for (const pool::BackendEntry& each : set) sum += weight(each);
    for (std::size_t i = 0; i < set.size(); ++i) {
      double share = kPicks * weight(set[i]) / sum;
      EXPECT_NEAR(counts[i], share, share * tolerance(weight(set[i]))) << "backend " << i;
    }
  }
};

class KeyedStrategyContract : public StrategyContract {};
class StableStrategyContract : public StrategyContract {};

TEST_P(StrategyContract, SpreadsEvenlyOverEqualBackends) { expect_shares(set_of({1, 1, 1, 1, 1})); }
TEST_P(StrategyContract, SpreadsByWeight) { expect_shares(set_of({3, 1, 2})); }
TEST_P(StrategyContract, SpreadsByLargeWeights) { expect_shares(set_of({1000, 600, 400})); }

TEST_P(StrategyContract, PicksNobodyFromAnEmptySet) {
  pool::BackendSet empty;
  Picker picker(GetParam(), empty);
  EXPECT_EQ(picker.pick(1), kNone);
  EXPECT_EQ(picker.pick_avoiding({0, 1}), kNone);
}

TEST_P(StrategyContract, PicksTheOnlyBackendAlwaysEvenIfAvoided) {
  pool::BackendSet set = set_of({7});
  Picker picker(GetParam(), set);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(picker.pick(key(i)), 0u);
    EXPECT_EQ(picker.pick_avoiding({0}, key(i)), 0u);
    picker.start(0);
  }
}

TEST_P(StrategyContract, ReachesEachOfTenThousandBackends) {
  pool::BackendSet set = set_of_size(10'000);
  Picker picker(GetParam(), set);
  std::vector<int> counts = count(picker, set.size(), 3 * kPicks);
  int most = 0;
  int missed = 0;
  for (int each : counts) {
    most = std::max(most, each);
    missed += each == 0;
  }
  // 30 picks each on average; at random within 6 standard deviations, on a ring those of its stretches besides.
  EXPECT_LE(most, traits().is_uneven ? 90 : 65);
  EXPECT_LE(missed, 1);
}

TEST_P(StrategyContract, AvoidsTriedBackendsWhileThereAreOthers) {
  for (std::size_t size : {2, 3, 5, 33, 100}) {
    pool::BackendSet set = set_of_size(size);
    Picker picker(GetParam(), set);
    for (int round = 0; round < 200; ++round) {
      std::vector<std::uint32_t> tried;
      for (std::size_t i = 0; i < std::min<std::size_t>(size, 6); ++i) {
        std::uint32_t index = picker.pick(key(round), tried);
        ASSERT_LT(index, size);
        ASSERT_EQ(std::ranges::count(tried, index), 0) << "of " << size << " in round " << round;
        tried.push_back(index);
        if (round % 3 == 0) picker.start(index);
      }
    }
  }
}

TEST_P(StrategyContract, TakesATriedBackendWhenNoOtherIsLeft) {
  pool::BackendSet set = set_of_size(40);
  Picker picker(GetParam(), set);
  std::vector<std::uint32_t> all;
  for (std::uint32_t i = 0; i < 40; ++i) all.push_back(i);
  for (int i = 0; i < 100; ++i) EXPECT_LT(picker.pick(key(i), all), 40u);
}

TEST_P(StrategyContract, FindsTheOneBackendThatIsNotAvoided) {
  pool::BackendSet set = set_of_size(50);
  Picker picker(GetParam(), set);
  std::vector<std::uint32_t> avoid;
  for (std::uint32_t i = 0; i < 50; ++i) {
    if (i != 31) avoid.push_back(i);
  }
  for (int i = 0; i < 100; ++i) EXPECT_EQ(picker.pick(key(i), avoid), 31u);
}

TEST_P(StrategyContract, IgnoresAvoidedIndexesOutsideTheSet) {
  pool::BackendSet set = set_of_size(3);
  Picker picker(GetParam(), set);
  for (int i = 0; i < 100; ++i) EXPECT_LT(picker.pick_avoiding({7, kNone, 3}, key(i)), 3u);
}

TEST_P(StrategyContract, GivesABackendInSlowStartItsPart) {
  pool::BackendSet set = set_of({10, 10});
  set[1].slow_start_percent = 50;
  Picker picker(GetParam(), set);
  std::vector<int> counts = count(picker, 2, kPicks);
  double expected = traits().ignores_weights ? kPicks / 2.0 : kPicks / 3.0;
  EXPECT_NEAR(counts[1], expected, expected * tolerance(5));
}

TEST_P(KeyedStrategyContract, SendsTheSameKeyToTheSameBackend) {
  pool::BackendSet set = set_of_size(20);
  Picker one(GetParam(), set);
  Picker other(GetParam(), set);
  for (int i = 0; i < 1000; ++i) {
    std::uint32_t index = one.pick(key(i));
    EXPECT_EQ(one.pick(key(i)), index);
    EXPECT_EQ(other.pick(key(i)), index);
  }
}

TEST_P(StableStrategyContract, PicksTheSameWhateverTheOrderOfTheSet) {
  pool::BackendSet set = set_of_size(20);
  pool::BackendSet reversed(set.rbegin(), set.rend());
  Picker one(GetParam(), set);
  Picker other(GetParam(), reversed);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(set[one.pick(key(i))].backend, reversed[other.pick(key(i))].backend);
}

// Removing one backend moves its own keys and, on an uneven ring, no other; adding it again moves them back. An even
// table lets some others move: with 80 and more slots per backend fewer than 5 % (the paper's section 5.3 sees such
// numbers).
TEST_P(StableStrategyContract, MovesFewKeysWhenOneBackendComesOrGoes) {
  double slack = traits().is_uneven ? 0 : 0.03;
  for (std::size_t size : {5, 80, 600}) {
    pool::BackendSet with = set_of_size(size);
    pool::BackendSet without = with;
    std::size_t gone = size / 3;
    without.erase(without.begin() + static_cast<std::ptrdiff_t>(gone));
    Picker before(GetParam(), with);
    Picker after(GetParam(), without);
    int moved_needlessly = 0;
    for (int i = 0; i < kPicks; ++i) {
      const pool::BackendEntry& old_home = with[before.pick(key(i))];
      const pool::BackendEntry& new_home = without[after.pick(key(i))];
      moved_needlessly += old_home.backend != with[gone].backend && old_home.backend != new_home.backend;
    }
    EXPECT_LE(moved_needlessly, kPicks * slack) << "of " << size << " backends";
    RecordProperty("moved_needlessly_of_" + std::to_string(size), moved_needlessly);
  }
}

TEST_P(StrategyContract, AllocatesNothingOnceMade) {
  pool::BackendSet set = set_of_size(100);
  Picker picker(GetParam(), set);
  std::vector<std::uint32_t> avoid{1, 2, 3};
  std::uint64_t before = allocations;
  for (int i = 0; i < 1000; ++i) {
    picker.finish(picker.pick_and_start(key(i)));
    picker.pick(key(i), avoid);
  }
  EXPECT_EQ(allocations, before);
}

TEST_P(StrategyContract, MayBeReplacedWhileWorkersUseTheOldOne) {
  pool::BackendSet old_set = set_of_size(60);
  pool::BackendSet new_set(old_set.begin() + 10, old_set.end());
  new_set.push_back(entry("newcomer"));
  Picker old_picker(GetParam(), old_set);
  std::vector<std::uint32_t> on_old;
  for (int i = 0; i < 300; ++i) on_old.push_back(old_picker.pick_and_start(key(i)));
  Picker new_picker(GetParam(), new_set, {}, old_picker.strategy());
  for (int i = 0; i < 300; ++i) {
    old_picker.finish(on_old[i]);
    std::uint32_t index = new_picker.pick_and_start(key(i));
    ASSERT_LT(index, new_set.size());
    new_picker.finish(index);
  }
  for (const pool::BackendEntry& each : new_set) EXPECT_EQ(each.backend->in_flight.load(), 0u);
}

TEST_P(StrategyContract, MayFollowAnyOtherStrategy) {
  pool::BackendSet set = set_of_size(40);
  for (const config::KindEntry& kind : strategies()) {
    Picker other(kind.name, set);
    other.finish(other.pick_and_start());
    Picker picker(GetParam(), set, {}, other.strategy());
    EXPECT_LT(picker.pick(), 40u);
  }
}

TEST_P(StrategyContract, ServesSeveralWorkersAtOnce) {
  constexpr int kThreads = 4;
  constexpr int kEach = 12'000;
  for (std::size_t size : {3, 40}) {
    pool::BackendSet set = set_of_size(size);
    std::unique_ptr<Strategy> strategy = make_strategy({GetParam(), {}}, set, nullptr);
    std::vector<std::atomic<int>> counts(size);
    auto work = [&](std::uint64_t worker) {
      base::Random random(worker);
      PickContext context;
      context.random = &random;
      for (int i = 0; i < kEach; ++i) {
        context.key_hash = random.next();
        std::uint32_t index = strategy->pick(context);
        set[index].backend->in_flight.fetch_add(1, std::memory_order_relaxed);
        strategy->started(index);
        counts[index].fetch_add(1, std::memory_order_relaxed);
        set[index].backend->in_flight.fetch_sub(1, std::memory_order_relaxed);
        strategy->finished(index, std::chrono::microseconds(100), base::TimePoint(std::chrono::milliseconds(i)));
      }
    };
    {
      std::vector<std::jthread> threads;
      for (std::uint64_t worker = 0; worker < kThreads; ++worker) threads.emplace_back(work, worker);
    }
    int total = 0;
    for (std::atomic<int>& each : counts) {
      total += each;
      if (traits().in_turn) EXPECT_EQ(each, kThreads * kEach / static_cast<int>(size));
    }
    EXPECT_EQ(total, kThreads * kEach);
  }
}

TEST_P(StrategyContract, DeclaresOptionsThatItsDefaultsSatisfy) {
  const config::KindEntry* kind = nullptr;
  for (const config::KindEntry& each : strategies()) {
    if (each.name == GetParam()) kind = &each;
  }
  ASSERT_NE(kind, nullptr);
  EXPECT_FALSE(kind->summary.empty());
  std::set<std::string_view> keys;
  config::Choice choice{.name = GetParam(), .options = {}};
  for (const config::OptionSpec& option : kind->options) {
    EXPECT_TRUE(keys.insert(option.key).second) << option.key;
    EXPECT_FALSE(option.summary.empty());
    switch (option.type) {
      case config::OptionType::text:
        EXPECT_TRUE(std::holds_alternative<std::string>(option.default_value));
        break;
      case config::OptionType::integer: {
        double value = static_cast<double>(std::get<std::int64_t>(option.default_value));
        EXPECT_TRUE(value >= option.min && value <= option.max);
        break;
      }
      case config::OptionType::number: {
        double value = std::get<double>(option.default_value);
        EXPECT_TRUE(value >= option.min && value <= option.max);
        break;
      }
      default:
        FAIL() << "no strategy has options of this type";
    }
    choice.options[std::string(option.key)] = option.default_value;
  }
  EXPECT_TRUE(kind->faults(choice).empty());
  pool::BackendSet set = set_of({1, 2});
  EXPECT_LT(Picker(GetParam(), set, choice.options).pick(), 2u);
  bool asks_for_key = Picker(GetParam(), set).strategy()->hash_key().kind != HashKeySource::Kind::none;
  EXPECT_EQ(asks_for_key, traits().by_key);
}

std::vector<std::string> names(bool (*which)(const config::Traits&)) {
  std::vector<std::string> result;
  for (const config::KindEntry& kind : strategies()) {
    if (which(kind.traits)) result.emplace_back(kind.name);
  }
  return result;
}
bool any(const config::Traits&) { return true; }
bool by_key(const config::Traits& traits) { return traits.by_key; }
bool keeps_keys(const config::Traits& traits) { return traits.keeps_keys; }
std::string name_of(const testing::TestParamInfo<std::string>& each) { return each.param; }
INSTANTIATE_TEST_SUITE_P(Every, StrategyContract, testing::ValuesIn(names(any)), name_of);
INSTANTIATE_TEST_SUITE_P(Every, KeyedStrategyContract, testing::ValuesIn(names(by_key)), name_of);
INSTANTIATE_TEST_SUITE_P(Every, StableStrategyContract, testing::ValuesIn(names(keeps_keys)), name_of);

TEST(Strategies, HaveDifferentNames) {
  std::vector<std::string> all = names(any);
  EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), all.size());
}

}  // namespace
}  // namespace weir::balance
