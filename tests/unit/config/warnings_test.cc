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
  for (const Fault& warning : warnings(read.value_or(Config()), test_kinds())) out += format(warning) + "\n";
  return out;
}

TEST(Warnings, NameListenersThatServeNothing) {
  constexpr const char* kPool = "pools: [{name: p, backends: ['a:80']}]\nlisteners: [{name: l, address: ':80', ";
  EXPECT_THAT(warnings_of("listeners: [{name: l, address: ':80'}]"), HasSubstr("listeners[0]: has neither routes nor"));
  EXPECT_EQ(warnings_of("listeners: [{name: l, address: ':80', redirect_to_https: 443}]"), "");
  EXPECT_THAT(warnings_of(fmt::format("{}protocol: https, pool: p}}]", kPool)),
              HasSubstr("t.yaml:2:13: listeners[0].tls.certificates: the listener has no certificate"));
  EXPECT_EQ(warnings_of(fmt::format("{}protocol: https, tls: {{certificates: [{{cert: a.pem}}]}}, pool: p}}]", kPool)),
            "");
}

TEST(Warnings, NamePoolsWithTooFewBackends) {
  constexpr const char* kListener = "listeners: [{name: l, address: ':80', pool: p}]\npools: [{name: p";
  EXPECT_THAT(warnings_of(fmt::format("{}}}]", kListener)), HasSubstr("pools[0].backends: the pool is in use"));
  EXPECT_THAT(warnings_of(fmt::format("{}, min_healthy: 2, backends: ['a:80']}}]", kListener)),
              HasSubstr("pools[0].min_healthy: 2 is above the number of backends (1)"));
  EXPECT_EQ(warnings_of(fmt::format("{}, min_healthy: 1, backends: ['a:80']}}]", kListener)), "");
}

TEST(Warnings, NameVariablesAsOtherProgramsWriteThem) {
  auto of_value = [](std::string_view value) {
    return warnings_of(
        fmt::format("pools: [{{name: p, backends: ['a:80']}}]\nlisteners:\n- {{name: l, address: ':80', "
                    "routes: [{{pool: p, request_headers: {{set: {{a: '{}'}}}}}}]}}\n",
                    value));
  };
  EXPECT_THAT(of_value("x $host"),
              HasSubstr("routes[0].request_headers.set.a: '$host' is no variable of Weir; write {host}"));
  EXPECT_THAT(of_value("${host}"), HasSubstr("'${host}' is no variable of Weir; write {host}"));
  EXPECT_THAT(of_value("%{client}"), HasSubstr("write {client}"));
  for (const char* good : {"$5", "{host}", "$hosts", "100%", "$", "%h"}) EXPECT_EQ(of_value(good), "") << good;
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

TEST(Warnings, APoolIsUnusedUntilAListenerOrARouteNamesIt) {
  auto of_pool = [](std::string_view listener) {
    auto read = read_yaml(
        fmt::format("listeners: [{{name: l, address: ':80'{}}}]\npools: [{{name: p}}, {{name: q}}]", listener),
        "w.yaml", test_kinds());
    return unused_warning(read.value_or(Config()), "p");
  };
  EXPECT_EQ(of_pool(", pool: q"), "no listener and no route uses the pool 'p'");
  EXPECT_EQ(of_pool(", pool: p"), "");
  EXPECT_EQ(of_pool(", pool: q, routes: [{match: {path: /x}, pool: p}]"), "");
}

}  // namespace
}  // namespace weir::config
