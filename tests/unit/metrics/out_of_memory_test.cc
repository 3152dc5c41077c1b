// A series that lacks memory is made later. Allocations fail one after the other.
#include <string>

#include "gtest/gtest.h"

#include "metrics/registry.h"

#if !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)
#include "tests/unit/net/failing_allocations.h"

namespace weir::metrics {
namespace {

constexpr std::size_t kMoreThanASeriesTakes = 60;

TEST(OutOfMemoryTest, ASeriesThatLacksMemoryLeavesNothingHalfMade) {
  Registry registry(1);
  std::size_t failed = 0;
  for (std::size_t behind = 0; behind < kMoreThanASeriesTakes; ++behind) {
    for (int again = 0; again < 5; ++again) {
      std::string name = "test_" + std::to_string(again) + "_total";
      Labels labels{{"one", "a value that is long enough " + std::to_string(behind)}, {"two", "another long value"}};
      try {
        net::Failing failing(0, behind);
        registry.counter(name, "help", labels);
      } catch (const std::bad_alloc&) {
        ++failed;
      }
      Counter counter = registry.counter(name, "help", labels);
      counter.add(0, behind);
      EXPECT_EQ(counter.total(1), behind);
    }
    registry.release("one", "a value that is long enough " + std::to_string(behind / 2));
  }
  EXPECT_GT(failed, 20u);
  EXPECT_NE(registry.exposition().find("test_4_total"), std::string::npos);
}

}  // namespace
}  // namespace weir::metrics
#endif
