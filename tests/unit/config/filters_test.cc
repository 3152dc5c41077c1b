// The key `filters` of listeners and routes: how it is read, shown, described and checked.
#include <fmt/format.h>

#include "config/json.h"
#include "config/read.h"
#include "config/schema.h"
#include "tests/unit/config/kinds_for_tests.h"

namespace weir::config {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string with_filters(std::string_view of_listener, std::string_view of_route = "{}",
                         std::string_view protocol = "http") {
  return fmt::format(
      "listeners: [{{name: web, address: '*:1', protocol: {}, pool: p, filters: {},\n"
      "  routes: [{{match: {{}}, pool: p, filters: {}}}]}}]\npools: [{{name: p}}]\n",
      protocol, of_listener, of_route);
}
std::string faults(std::string_view of_listener, std::string_view of_route = "{}", std::string_view protocol = "http") {
  return faults_of(with_filters(of_listener, of_route, protocol));
}
Filters filters(std::string_view text) { return must_read(with_filters(text)).listeners[0].filters; }

TEST(Filters, AreReadInTheirOrderWithAllTheirOptions) {
  Filters read = filters("{step: {name: a}, door: {most: 2KB, keys: {file: k, words: [x, y]}}, lamp: {}}");
  ASSERT_EQ(read.settings.size(), 3u);
  EXPECT_EQ(read.settings[0].name, "lamp");
  EXPECT_EQ(read.settings[1].name, "door");
  EXPECT_EQ(read.settings[2].name, "step");
  const Choice& door = read.settings[1].choices[0];
  EXPECT_EQ(door.name, "door");
  EXPECT_EQ(option<std::int64_t>(door, "most"), 2048);
  EXPECT_EQ(option<std::string>(door, "keys.file"), "k");
  EXPECT_EQ(option<std::vector<std::string>>(door, "keys.words"), (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(option<std::int64_t>(filters("{door: {}}").settings[0].choices[0], "most"), 0) << "defaults";
}

TEST(Filters, MayBeThereSeveralTimesOrOff) {
  EXPECT_EQ(filters("{step: [{name: a}, {name: b}]}").settings[0].choices.size(), 2u);
  Config config = must_read(with_filters("{door: {}}", "{door: off, lamp: false}"));
  EXPECT_TRUE(config.listeners[0].routes[0].filters.find("door")->choices.empty());
  EXPECT_TRUE(config.listeners[0].routes[0].filters.find("lamp")->choices.empty());
}

TEST(Filters, FaultsSayWhereAndWhatWouldBeRight) {
  EXPECT_THAT(faults("{dor: {}}"), HasSubstr("listeners[0].filters.dor: unknown filter 'dor'; did you mean 'door'?"));
  EXPECT_THAT(faults("{door: {mast: 1}}"), HasSubstr("filters.door.mast: unknown key 'mast'; did you mean 'most'?"));
  EXPECT_THAT(faults("{door: {keys: {fil: 1}}}"), HasSubstr("filters.door.keys.fil: unknown key 'fil'; did you mean"));
  EXPECT_THAT(faults("{door: {keys: x}}"), HasSubstr("filters.door.keys: must be a map"));
  EXPECT_THAT(faults("{door: 5}"), HasSubstr("must be a map of options, such as {most: 1KB"));
  EXPECT_THAT(
      faults("{door: [{}]}"),
      HasSubstr(
          "filters.door: must be a map of options, such as {most: 1KB, keys: {file: keys.txt}}: there is one door"));
  EXPECT_THAT(faults("{door: }"), HasSubstr("filters.door: says nothing; write its options, `{}` for their defaults"));
  EXPECT_THAT(faults("{step: []}"), HasSubstr("must not be empty; write `off` for none"));
  EXPECT_THAT(faults("{door: {most: x}}"), HasSubstr("filters.door.most: must be a size"));
  EXPECT_THAT(faults("{door: {keys: {words: [none]}}}"), HasSubstr("filters.door.keys.words: must not be none"));
  EXPECT_THAT(faults("[door]"), HasSubstr("filters: must be a map of filters"));
  EXPECT_THAT(faults("{}", "{step: {nam: a}}"), HasSubstr("routes[0].filters.step.nam: unknown key"));
}

TEST(Filters, StandWhereRequestsAre) {
  EXPECT_THAT(faults("{door: off}"), HasSubstr("filters.door: `off` is for routes"));
  EXPECT_THAT(faults("{door: {}}", "{lamp: {}}", "tls"),
              AllOf(HasSubstr("listeners[0].filters.door: works on HTTP requests"),
                    HasSubstr("listeners[0].routes[0].filters.lamp: works on HTTP requests")));
}

TEST(Filters, AreShownAsTheyAreRead) {
  Config config = must_read(
      with_filters("{step: [{name: a}, {name: b}], door: {most: 1KB, keys: {file: /k}}}", "{door: off, lamp: {}}"));
  std::string shown = to_json(config.listeners[0]);
  EXPECT_THAT(shown, HasSubstr(R"("filters":{"door":{"keys":{"file":"/k","words":[]},"most":1024},)"
                               R"("step":[{"name":"a"},{"name":"b"}]})"));
  EXPECT_THAT(shown, HasSubstr(R"("filters":{"lamp":{},"door":"off"})"));
  auto again = read_listener(shown, test_kinds());
  ASSERT_TRUE(again.has_value()) << faults_text(again.error());
  EXPECT_EQ(again->filters, config.listeners[0].filters);
  EXPECT_EQ(again->routes[0].filters, config.listeners[0].routes[0].filters);
}

TEST(Filters, APatchChangesOneAndLeavesTheOthers) {
  Listener listener = must_read(with_filters("{lamp: {}, door: {most: 1KB}}")).listeners[0];
  auto patched =
      patch_listener(listener, R"({"filters": {"lamp": null, "door": {"keys": {"file": "/k"}}}})", test_kinds());
  ASSERT_TRUE(patched.has_value()) << faults_text(patched.error());
  ASSERT_EQ(patched->filters.settings.size(), 1u);
  EXPECT_EQ(option<std::int64_t>(patched->filters.settings[0].choices[0], "most"), 1024);
  EXPECT_EQ(option<std::string>(patched->filters.settings[0].choices[0], "keys.file"), "/k");
}

TEST(Filters, AreInTheSchema) {
  std::string schema = json_schema(test_kinds());
  EXPECT_THAT(schema, HasSubstr(R"("$ref": "#/$defs/filters")"));
  EXPECT_THAT(schema, HasSubstr(R"("door": {)"));
  EXPECT_THAT(schema, HasSubstr(R"("keys": {)"));
}

}  // namespace
}  // namespace weir::config
