#include "config/warnings.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "tests/unit/config/kinds_for_tests.h"

namespace weir::config {
namespace {

using testing::HasSubstr;

std::string warnings_of(std::string_view text) {
  auto read = read_yaml(text, "t.yaml", test_kinds());
  EXPECT_TRUE(read) << (read ? "" : format(read.error().front()));
  std::string out;
  for (const Fault& warning : warnings(read.value_or(Config()), test_kinds().strategies)) out += format(warning) + "\n";
  return out;
}

TEST(Warnings, NameStrategiesThatIgnoreWeights) {
  constexpr const char* kText =
      "listeners: [{{name: a, address: ':80', pool: p}}]\n"
      "pools: [{{name: p, {} backends: [{{address: '10.0.0.1:80', weight: {}}}, '10.0.0.2:80']}}]";
  EXPECT_THAT(warnings_of(fmt::format(kText, "algorithm: round_robin,", 3)),
              HasSubstr("t.yaml:2:9: pools[0].algorithm: round_robin ignores the weights"));
  EXPECT_EQ(warnings_of(fmt::format(kText, "algorithm: round_robin,", 1)), "");
  EXPECT_EQ(warnings_of(fmt::format(kText, "algorithm: round_robin,", 0)), "") << "0 holds for every strategy";
  EXPECT_EQ(warnings_of(fmt::format(kText, "", 3)), "") << "the default heeds them";
}

TEST(Warnings, NamePoolsThatNothingUses) {
  EXPECT_THAT(warnings_of("listeners: [{name: a, address: ':80', routes: [{pool: p}]}]\npools: [{name: p}, {name: q}]"),
              HasSubstr("pools[1]: no listener and no route uses the pool 'q'"));
}

}  // namespace
}  // namespace weir::config
