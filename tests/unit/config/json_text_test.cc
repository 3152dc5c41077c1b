#include "config/document.h"
#include "tests/unit/config/kinds_for_tests.h"

namespace weir::config {
namespace {

using testing::HasSubstr;

std::string stop_of(std::string_view json) {
  Document document = parse_json(json, "api");
  EXPECT_FALSE(document.complete);
  return document.faults.size() == 1 ? format(document.faults[0]) : faults_text(document.faults);
}

TEST(JsonText, ReadsWhatItPrints) {
  for (std::string_view text :
       {R"({"a":1,"b":[true,false,null],"c":{"d":"x"},"e":[],"f":{}})", R"("\"\\ü")", "-5", "18446744073709551615"}) {
    Document document = parse_json(text, "api");
    EXPECT_TRUE(document.complete);
    EXPECT_EQ(print_json(document.root, false), text);
  }
}

TEST(JsonText, KeepsFractionsAsWritten) { EXPECT_EQ(parse_json("0.20", "api").root.scalar, "0.20"); }

TEST(JsonText, PrintsIndented) {
  EXPECT_EQ(print_json(parse_json(R"({"a":[1,2],"b":{}})", "api").root, true),
            "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": {}\n}");
}

TEST(JsonText, RefusesDuplicateKeys) {
  Document document = parse_json(R"({"a":{"k":1,"k":2}})", "api");
  EXPECT_TRUE(document.complete);
  EXPECT_EQ(faults_text(document.faults), "api: a.k: the key appears twice in this map; remove one of them\n");
}

TEST(JsonText, SaysWhereTheSyntaxIsWrong) {
  EXPECT_THAT(stop_of("{\"a\": 1,\n \"b\" 2}"), HasSubstr("api:2:6: not JSON: syntax error"));
  EXPECT_THAT(stop_of(""), HasSubstr("api:1:1: not JSON"));
  EXPECT_THAT(stop_of("{} x"), HasSubstr("not JSON"));
  EXPECT_THAT(stop_of("{'a': 1}"), HasSubstr("not JSON"));
  EXPECT_THAT(stop_of("\"\xff\""), HasSubstr("not JSON"));
  EXPECT_THAT(stop_of("1e999"), HasSubstr("not JSON"));
}

TEST(JsonText, BoundsDepth) { EXPECT_THAT(stop_of(std::string(1000, '[')), HasSubstr("nested deeper than 64 levels")); }

TEST(MergePatch, FollowsTheExamplesOfRfc7396) {
  struct Example {
    std::string_view base, patch, result;
  };
  // RFC 7396, appendix A.
  for (const Example& example :
       std::vector<Example>{{R"({"a":"b"})", R"({"a":"c"})", R"({"a":"c"})"},
                            {R"({"a":"b"})", R"({"b":"c"})", R"({"a":"b","b":"c"})"},
                            {R"({"a":"b"})", R"({"a":null})", R"({})"},
                            {R"({"a":"b","b":"c"})", R"({"a":null})", R"({"b":"c"})"},
                            {R"({"a":["b"]})", R"({"a":"c"})", R"({"a":"c"})"},
                            {R"({"a":"c"})", R"({"a":["b"]})", R"({"a":["b"]})"},
                            {R"({"a":{"b":"c"}})", R"({"a":{"b":"d","c":null}})", R"({"a":{"b":"d"}})"},
                            {R"({"a":[{"b":"c"}]})", R"({"a":[1]})", R"({"a":[1]})"},
                            {R"(["a","b"])", R"(["c","d"])", R"(["c","d"])"},
                            {R"({"a":"b"})", R"(["c"])", R"(["c"])"},
                            {R"({"a":"foo"})", "null", "null"},
                            {R"({"e":null})", R"({"a":1})", R"({"e":null,"a":1})"},
                            {R"([1,2])", R"({"a":"b","c":null})", R"({"a":"b"})"},
                            {R"({})", R"({"a":{"bb":{"ccc":null}}})", R"({"a":{"bb":{}}})"}}) {
    Node base = parse_json(example.base, "api").root;
    merge_patch(base, parse_json(example.patch, "api").root);
    EXPECT_EQ(print_json(base, false), example.result) << example.base << " " << example.patch;
  }
}

TEST(Locate, FindsTheValueOrTheDeepestPartOfThePath) {
  Node root = parse_yaml("pools:\n- name: a\n  headers:\n    x.y: 1\n", "t.yaml").root;
  EXPECT_EQ(locate(root, "pools[0].name"), std::pair(2, 9));
  EXPECT_EQ(locate(root, "pools[0].name[3].deeper"), std::pair(2, 9));
  EXPECT_EQ(locate(root, "pools[0].headers.x.y"), std::pair(4, 10));
  EXPECT_EQ(locate(root, "pools[7].name"), std::pair(2, 1));
  EXPECT_EQ(locate(root, "nothing"), std::nullopt);
  EXPECT_EQ(locate(root, "pools[x"), std::pair(2, 1));
  EXPECT_EQ(locate(root, ""), std::nullopt);
}

TEST(FaultFormat, LeavesOutWhatIsNotKnown) {
  EXPECT_EQ(format(Fault{{"f.yaml", 3, 4}, "a.b", "is wrong"}), "f.yaml:3:4: a.b: is wrong");
  EXPECT_EQ(format(Fault{{"f.yaml", 0, 0}, "", "is wrong"}), "f.yaml: is wrong");
  EXPECT_EQ(format(Fault{{}, "a", "is wrong"}), "a: is wrong");
}

}  // namespace
}  // namespace weir::config
