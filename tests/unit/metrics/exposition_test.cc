#include "metrics/exposition.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <set>
#include <string>
#include <unistd.h>

#include "gtest/gtest.h"

#include "metrics/families.h"
#include "metrics/process.h"
#include "metrics/registry.h"

namespace weir::metrics {
namespace {

TEST(RenderLabels, SortsByNameAndEscapesValues) {
  EXPECT_EQ(render_labels({{"b", "2"}, {"a", "1"}}), "a=\"1\",b=\"2\"");
  EXPECT_EQ(render_labels({{"path", "C:\\dir\n\"x\""}}), "path=\"C:\\\\dir\\n\\\"x\\\"\"");
  EXPECT_EQ(render_labels({{"tab", "a\tb\r"}}), "tab=\"a\tb\r\"");
  EXPECT_EQ(render_labels({{"empty", ""}}), "empty=\"\"");
  EXPECT_EQ(render_labels({}), "");
}

TEST(RenderLabels, ReplacesWhatIsNotUtf8) {
  EXPECT_EQ(render_labels({{"a", "\xc3\xb6\xff\xc3"}}), "a=\"\xc3\xb6\xef\xbf\xbd\xef\xbf\xbd\"");
}

TEST(AppendFamilyHead, EscapesBackslashAndLineFeedButNotQuotes) {
  std::string text;
  append_family_head(text, "a_total", "Line\nwith \\ and \"quotes\".", Type::counter);
  EXPECT_EQ(text, "# HELP a_total Line\\nwith \\\\ and \"quotes\".\n# TYPE a_total counter\n");
}

TEST(AppendSample, WritesNumbersAsPrometheusReadsThem) {
  auto written = [](double value) {
    std::string text;
    append_sample(text, "a", "", value);
    return text;
  };
  EXPECT_EQ(written(0), "a 0\n");
  EXPECT_EQ(written(1.5), "a 1.5\n");
  EXPECT_EQ(written(1784616251.123), "a 1784616251.123\n");
  EXPECT_EQ(written(std::numeric_limits<double>::infinity()), "a +Inf\n");
  EXPECT_EQ(written(-std::numeric_limits<double>::infinity()), "a -Inf\n");
  EXPECT_EQ(written(std::nan("")), "a NaN\n");
  std::string text;
  append_sample(text, "a", "x=\"y\"", std::uint64_t{UINT64_MAX});
  EXPECT_EQ(text, "a{x=\"y\"} 18446744073709551615\n");
}

TEST(IsMetricName, FollowsTheDataModel) {
  for (const char* name : {"a", "weir_requests_total", ":a", "_a", "A1"}) EXPECT_TRUE(is_metric_name(name)) << name;
  for (const char* name : {"", "1a", "a-b", "a b", "a.b", "\xc3\xb6"}) EXPECT_FALSE(is_metric_name(name)) << name;
}

TEST(IsLabelName, FollowsTheDataModel) {
  for (const char* name : {"a", "_a", "le1"}) EXPECT_TRUE(is_label_name(name)) << name;
  for (const char* name : {"", "1a", "a:b", "__a", "a-b"}) EXPECT_FALSE(is_label_name(name)) << name;
}

TEST(Families, HaveDistinctValidNamesAndHelp) {
  std::set<std::string_view> names;
  for (const Family& family : families::kAll) {
    EXPECT_TRUE(names.insert(family.name).second) << family.name;
    EXPECT_TRUE(is_metric_name(family.name)) << family.name;
    EXPECT_TRUE(family.name.starts_with("weir_")) << family.name;
    EXPECT_TRUE(family.help.ends_with('.')) << family.name;
    EXPECT_EQ(family.name.ends_with("_total"), family.type == Type::counter) << family.name;
    for (std::size_t i = 0; i < family.label_count(); ++i) EXPECT_TRUE(is_label_name(family.labels[i])) << family.name;
  }
}

// Label values as bad as they come, in every family that Weir has.
void fill_with_everything(Registry& registry) {
  register_process_families(registry);
  std::set<std::string_view> computed;
  for (const Family& family : families::kAll) {
    if (family.name.starts_with("weir_process_")) continue;
    for (const char* value : {"plain", "back\\slash \"quoted\"\nsecond line \xc3\xb6 \xff", ""}) {
      Labels labels;
      for (std::size_t i = 0; i < family.label_count(); ++i) labels.emplace_back(family.labels[i], value);
      switch (family.type) {
        case Type::counter:
          registry.counter(family.name, family.help, labels).add(0, 12);
          break;
        case Type::gauge:
          registry.gauge(family.name, family.help, labels).add(1, 3);
          break;
        case Type::histogram:
          registry.histogram(family.name, family.help, labels).observe(0, 1'234'567);
          break;
      }
    }
  }
  registry.computed("weir_test_ratio", "Computed \\ here.", Type::gauge, [](const Registry::Emit& emit) {
    emit({{"kind", "a\"b"}}, 0.25);
    emit({{"kind", "infinite"}}, std::numeric_limits<double>::infinity());
  });
}

TEST(Exposition, IsCleanForPromtool) {
  if (std::system("command -v promtool >/dev/null 2>&1") != 0)
    GTEST_SKIP() << "promtool (package prometheus) is not installed";
  Registry registry(2);
  fill_with_everything(registry);
  std::string path = testing::TempDir() + "weir_metrics_" + std::to_string(::getpid()) + ".txt";
  FILE* file = std::fopen(path.c_str(), "w");
  ASSERT_NE(file, nullptr);
  std::string text = registry.exposition();
  std::fwrite(text.data(), 1, text.size(), file);
  std::fclose(file);
  FILE* output = ::popen(("promtool check metrics < '" + path + "' 2>&1").c_str(), "r");
  ASSERT_NE(output, nullptr);
  std::string complaints;
  char buffer[4096];
  while (std::size_t got = std::fread(buffer, 1, sizeof buffer, output)) complaints.append(buffer, got);
  EXPECT_EQ(::pclose(output), 0);
  EXPECT_EQ(complaints, "");
  ::unlink(path.c_str());
}

}  // namespace
}  // namespace weir::metrics
