// How the keys of passive checks may be written.
#include <fmt/format.h>

#include "config/diff.h"
#include "config/json.h"
#include "config/read.h"
#include "tests/unit/config/kinds_for_tests.h"

namespace weir::config {
namespace {

using testing::HasSubstr;

Passive passive(std::string_view keys) {
  return must_read(with_pool(fmt::format("passive: {}", keys))).pools[0].passive;
}
std::string faults(std::string_view keys) { return faults_of(with_pool(fmt::format("passive: {}", keys))); }

TEST(ReadPassive, IsOnByDefaultAndCanBeSwitchedOff) {
  EXPECT_EQ(must_read(with_pool("slow_start: 1s")).pools[0].passive, Passive());
  EXPECT_TRUE(Passive().enabled);
  EXPECT_FALSE(passive("off").enabled);
  EXPECT_FALSE(passive("{enabled: false}").enabled);
}

TEST(ReadPassive, SwitchesEveryDetectorOffByItself) {
  Passive read = passive(
      "{consecutive_failures: off, consecutive_local_failures: off, error_rate: off, success_rate: off, latency: off}");
  EXPECT_TRUE(read.enabled);
  EXPECT_EQ(read.consecutive_failures, 0u);
  EXPECT_EQ(read.consecutive_local_failures, 0u);
  EXPECT_FALSE(read.error_rate.enabled || read.success_rate.enabled || read.latency.enabled);
}

TEST(ReadPassive, TakesShortForms) {
  Passive read = passive("{error_rate: 30%, success_rate: 2.5, latency: 4, ejection: 10s}");
  EXPECT_EQ(read.error_rate.threshold, 0.3);
  EXPECT_EQ(read.success_rate.deviations, 2.5);
  EXPECT_EQ(read.latency.factor, 4);
  EXPECT_EQ(read.ejection.base, std::chrono::seconds(10));
}

TEST(ReadPassive, TakesStatusesAndRangesOfThem) {
  StatusSet standard = Passive().failure.status_set;
  EXPECT_TRUE(standard.contains(500) && standard.contains(599) && !standard.contains(499));
  EXPECT_FALSE(standard.contains(0));
  StatusSet set = passive("{failure: {status: [429, '502-504']}}").failure.status_set;
  EXPECT_TRUE(set.contains(429) && set.contains(502) && set.contains(504));
  EXPECT_FALSE(set.contains(500) || set.contains(505) || set.contains(428));
  EXPECT_EQ(passive("{failure: {status: []}}").failure.status_set, StatusSet());
}

TEST(ReadPassive, TakesNamesOfGrpcStatusesInEitherCase) {
  FailureRules read = passive("{failure: {grpc: [UNAVAILABLE, resource_exhausted]}}").failure;
  EXPECT_EQ(read.grpc_mask, 1u << 14 | 1u << 8);
  EXPECT_EQ(read.grpc, (std::vector<std::string>{"unavailable", "resource_exhausted"}));
  Passive same = passive("{failure: {grpc: [unknown, internal, unavailable, data_loss]}}");
  EXPECT_EQ(same.failure.grpc_mask, Passive().failure.grpc_mask) << "the default mask is that of the default names";
}

TEST(ReadPassive, NamesTheValueThatIsWrong) {
  EXPECT_THAT(faults("{failure: {status: [500, 600]}}"),
              HasSubstr("'600' is no status or range of statuses within 100-599"));
  EXPECT_THAT(faults("{failure: {status: '599-500'}}"), HasSubstr("passive.failure.status: '599-500' is no status"));
  EXPECT_THAT(faults("{failure: {grpc: [unavailabel]}}"), HasSubstr("did you mean 'unavailable'?"));
  EXPECT_THAT(faults("{failure: {grpc: [ok]}}"), HasSubstr("'ok' is no failure"));
  EXPECT_THAT(faults("{consecutive_failures: -1}"),
              HasSubstr("must be 'off' or a whole number from 0 to 1000, not '-1'"));
  EXPECT_THAT(faults("{max_ejected: 120%}"), HasSubstr("must be a share such as 20% or 0.2, from 0 to 1"));
  EXPECT_THAT(faults("{ejection: {base: 2m}}"),
              HasSubstr("passive.ejection.base: 2m is longer than ejection.max (1m); it must not be"));
  EXPECT_THAT(faults("{window: 1500ms}"), HasSubstr("passive.window: must be whole seconds, not 1500ms"));
  EXPECT_THAT(faults("{sucess_rate: off}"), HasSubstr("did you mean 'success_rate'?"));
  EXPECT_THAT(faults("5"), HasSubstr("must be a map with keys such as enabled, consecutive_failures"));
}

TEST(ReadPassive, TakesWhatItShows) {
  for (const char* keys :
       {"off", "{}", "{failure: {status: [], grpc: []}}", "{consecutive_failures: off, error_rate: off}",
        "{failure: {status: [503], grpc: [internal]}, ejection: {base: 5s, max: 5m}, max_ejected: 20%}"}) {
    Pool pool = must_read(with_pool(fmt::format("passive: {}", keys))).pools[0];
    auto again = read_pool(to_json(pool), test_kinds());
    ASSERT_TRUE(again.has_value()) << faults_text(again.error());
    EXPECT_EQ(again->passive, pool.passive) << keys;
  }
}

TEST(Diff, SeesAChangeOfPassiveChecks) {
  Config older = must_read(with_pool("passive: {latency: 3}")), newer = older;
  newer.pools[0].passive.latency.factor = 4;
  EXPECT_EQ(diff(older, newer).pools_changed.size(), 1u);
}

}  // namespace
}  // namespace weir::config
