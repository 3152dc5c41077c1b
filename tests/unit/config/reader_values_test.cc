#include <fmt/format.h>

#include "tests/unit/config/kinds_for_tests.h"

namespace weir::config {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::HasSubstr;

TEST(Values, TakesDurationsInEveryUnit) {
  for (auto [text, value] : std::vector<std::pair<std::string, Duration>>{{"500ms", milliseconds(500)},
                                                                          {"5s", seconds(5)},
                                                                          {"1m", minutes(1)},
                                                                          {"1h", hours(1)},
                                                                          {"1d", hours(24)},
                                                                          {"'2 s'", seconds(2)}}) {
    EXPECT_EQ(must_read(fmt::format("timeouts: {{idle: {}}}", text)).timeouts.idle, value) << text;
  }
}

TEST(Values, RefusesDurationsWithoutUnitOrOutOfRange) {
  auto fault = [](std::string_view text) { return faults_of(fmt::format("timeouts: {{idle: {}}}", text)); };
  EXPECT_EQ(fault("30"), "t.yaml:1:18: timeouts.idle: '30' has no unit; write 30s or 30ms\n");
  EXPECT_THAT(fault("1.5s"), HasSubstr("must be a duration such as 500ms, 5s, 1m, 1h or 1d, not '1.5s'"));
  EXPECT_THAT(fault("-1s"), HasSubstr("must be a duration"));
  EXPECT_THAT(fault("s"), HasSubstr("must be a duration"));
  EXPECT_THAT(fault("1w"), HasSubstr("must be a duration"));
  EXPECT_THAT(fault("99999999999999999999s"), HasSubstr("must be a duration"));
  EXPECT_THAT(fault("0s"), HasSubstr("must be from 1ms to 20d, not '0s'"));
  EXPECT_THAT(fault("21d"), HasSubstr("must be from 1ms to 20d, not '21d'"));
  EXPECT_THAT(fault("[1s]"), HasSubstr("must be a duration"));
  EXPECT_THAT(fault(""), HasSubstr("must be a duration such as 500ms, 5s, 1m, 1h or 1d, not null"));
}

TEST(Values, TakesSizes) {
  auto limit = [](std::string_view text) {
    return must_read(fmt::format("listeners: [{{name: l, address: '*:80', limits: {{body_bytes: {}}}}}]", text))
        .listeners[0]
        .limits.body_bytes;
  };
  EXPECT_EQ(limit("4096"), 4096u);
  EXPECT_EQ(limit("16KB"), 16384u);
  EXPECT_EQ(limit("1MB"), 1u << 20);
  EXPECT_EQ(limit("2GB"), 2ull << 30);
  EXPECT_EQ(limit("7B"), 7u);
}

TEST(Values, RefusesSizesOfOtherForms) {
  auto fault = [](std::string_view text) {
    return faults_of(fmt::format("listeners: [{{name: l, address: '*:80', limits: {{header_bytes: {}}}}}]", text));
  };
  EXPECT_THAT(fault("16kb"), HasSubstr("must be a size such as 4096, 16KB or 1MB, from 256 to 65536, not '16kb'"));
  EXPECT_THAT(fault("1.5KB"), HasSubstr("must be a size"));
  EXPECT_THAT(fault("65KB"), HasSubstr("from 256 to 65536"));
  EXPECT_THAT(fault("-1"), HasSubstr("must be a size"));
}

TEST(Values, TakesSharesAsPercentagesAndFractions) {
  EXPECT_DOUBLE_EQ(must_read(with_pool("retries: {budget: 35%}")).pools[0].retries.budget, 0.35);
  EXPECT_DOUBLE_EQ(must_read(with_pool("retries: {budget: 0.5}")).pools[0].retries.budget, 0.5);
  for (std::string_view bad : {"35", "-1%", "101%", "nan", "inf", "x%", "'0.5'", "5 %"}) {
    EXPECT_THAT(faults_of(with_pool(fmt::format("retries: {{budget: {}}}", bad))),
                HasSubstr("must be a share such as 20%"))
        << bad;
  }
}

TEST(Values, TakesOnlyDecimalWholeNumbers) {
  auto fault = [](std::string_view text) {
    return faults_of(with_backend(fmt::format("{{host: a, port: {}}}", text)));
  };
  EXPECT_EQ(
      fault("010"),
      "t.yaml:4:21: pools[0].backends[0].port: '010' may be read as an octal number; write it without the leading "
      "zero\n");
  for (std::string_view bad : {"0x50", "8_0", "+80", "-80", "80.0", "8e1", "'80'", "eighty", "0", "65536", "true",
                               "99999999999999999999999", "[80]", "{a: 80}", "~"}) {
    EXPECT_THAT(fault(bad), HasSubstr("backends[0].port: must be a whole number from 1 to 65535, not")) << bad;
  }
}

TEST(Values, TakesOnlyTrueAndFalse) {
  for (std::string_view bad : {"yes", "no", "on", "off", "tRUE", "Yes", "1", "'true'", "[]", "~"}) {
    EXPECT_THAT(faults_of(with_backend(fmt::format("{{host: a, port: 1, enabled: {}}}", bad))),
                HasSubstr("enabled: must be true or false"))
        << bad;
  }
}

TEST(Values, TakesAutoForWorkers) {
  EXPECT_EQ(must_read("workers: auto").workers, 0u);
  EXPECT_EQ(must_read("workers: 4").workers, 4u);
  EXPECT_THAT(faults_of("workers: many"), HasSubstr("must be 'auto' or a whole number from 0 to 64, not 'many'"));
}

}  // namespace
}  // namespace weir::config
