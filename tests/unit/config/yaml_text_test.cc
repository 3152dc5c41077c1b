#include <fmt/format.h>

#include "config/document.h"
#include "tests/unit/config/kinds_for_tests.h"

namespace weir::config {
namespace {

using testing::HasSubstr;

std::string json_of(std::string_view yaml) { return print_json(parse_yaml(yaml, "t.yaml").root, false); }

// The one fault of a text that cannot be read to its end.
std::string stop_of(std::string_view yaml) {
  Document document = parse_yaml(yaml, "t.yaml");
  EXPECT_FALSE(document.complete);
  return document.faults.size() == 1 ? format(document.faults[0]) : faults_text(document.faults);
}

TEST(YamlText, KeepsMapsListsAndScalars) {
  EXPECT_EQ(json_of("a: 1\nb: [x, {c: 'y'}]\nd:\n- e\n"), R"({"a":"1","b":["x",{"c":"y"}],"d":["e"]})");
}

TEST(YamlText, RemembersWhereValuesAndKeysAre) {
  Document document = parse_yaml("a: 1\nlong_key:\n  - x\n  - {inner: 'quoted'}\n", "t.yaml");
  const Member& second = document.root.members[1];
  EXPECT_EQ(std::pair(second.line, second.column), std::pair(2, 1));
  const Node& map = second.value.items[1];
  EXPECT_EQ(std::pair(map.line, map.column), std::pair(4, 5));
  EXPECT_EQ(std::pair(map.members[0].line, map.members[0].column), std::pair(4, 6));
  EXPECT_EQ(map.members[0].value.column, 13);
}

TEST(YamlText, TellsQuotedScalarsFromPlainOnes) {
  Document document = parse_yaml("[80, '80', \"80\", !!str 80]", "t.yaml");
  std::vector<Node::Kind> kinds;
  for (const Node& item : document.root.items) kinds.push_back(item.kind);
  using enum Node::Kind;
  EXPECT_EQ(kinds, (std::vector{plain, text, text, text}));
}

TEST(YamlText, ReadsTheEmptyTextAsNull) {
  for (std::string_view text : {"", "\n\n", "# only a comment\n", "---\n"}) {
    Document document = parse_yaml(text, "t.yaml");
    EXPECT_TRUE(document.complete);
    EXPECT_EQ(document.root.kind, Node::Kind::null);
  }
}

TEST(YamlText, ReadsNullWords) { EXPECT_EQ(json_of("[~, null, 'null']"), R"([null,null,"null"])"); }

TEST(YamlText, RefusesDuplicateKeysAndKeepsTheFirst) {
  Document document = parse_yaml("a: 1\nb: 2\na: 3\n", "t.yaml");
  EXPECT_TRUE(document.complete);
  EXPECT_EQ(faults_text(document.faults),
            "t.yaml:3:1: a: the key appears twice in this map (first on line 1); remove one of them\n");
  EXPECT_EQ(print_json(document.root, false), R"({"a":"1","b":"2"})");
}

TEST(YamlText, GivesThePathOfADuplicateKey) {
  Document document = parse_yaml("a:\n- b: 1\n- c: {d: [[{e: 1, e: 2}]]}\n", "t.yaml");
  ASSERT_EQ(document.faults.size(), 1u);
  EXPECT_EQ(document.faults[0].path, "a[1].c.d[0][0].e");
}

TEST(YamlText, FindsEveryDuplicateInALargeMap) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += fmt::format("k{}: {}\n", i % 90, i);
  Document document = parse_yaml(text, "t.yaml");
  EXPECT_EQ(document.faults.size(), 10u);
  EXPECT_EQ(document.root.members.size(), 90u);
  EXPECT_EQ(document.root.find("k5")->scalar, "5");
}

TEST(YamlText, ExpandsAliases) {
  EXPECT_EQ(json_of("a: &x {k: v}\nb: *x\nc: &s word\nd: [*s, *s]\n"),
            R"({"a":{"k":"v"},"b":{"k":"v"},"c":"word","d":["word","word"]})");
}

TEST(YamlText, BoundsWhatAliasesExpandTo) {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    text += fmt::format("a{0}: &a{0} [*a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}]\n", i, i - 1);
  }
  EXPECT_THAT(stop_of(text), HasSubstr("more than 2000000 values, aliases expanded"));
}

TEST(YamlText, RefusesAnAliasInsideItself) {
  EXPECT_THAT(stop_of("a: &x [1, *x]\n"), HasSubstr("t.yaml:1:11: an alias inside what it stands for"));
}

TEST(YamlText, BoundsDepth) {
  std::string block;
  for (std::size_t i = 0; i < 100; ++i) block += std::string(i, ' ') + "k:\n";
  EXPECT_THAT(stop_of(block + std::string(100, ' ') + "k: v\n"), HasSubstr("nested deeper than 64 levels"));
  EXPECT_FALSE(parse_yaml(std::string(100'000, '['), "t.yaml").complete);
  EXPECT_FALSE(parse_yaml(std::string(100'000, '{'), "t.yaml").complete);
}

TEST(YamlText, BoundsDepthThroughAliases) {
  std::string text = "a0: &a0 [x]\n";
  for (int i = 1; i < 80; ++i) text += fmt::format("a{0}: &a{0} [*a{1}]\n", i, i - 1);
  EXPECT_THAT(stop_of(text), HasSubstr("nested deeper than 64 levels"));
}

TEST(YamlText, SaysWhereTheSyntaxIsWrong) {
  EXPECT_THAT(stop_of("a: [1, 2\nb: 3\n"), HasSubstr("not YAML: the list is not closed with ']'"));
  EXPECT_THAT(stop_of("a: {b: c"), HasSubstr("the map is not closed with '}'"));
  EXPECT_EQ(stop_of("a:\n\t- b\n"), "t.yaml:2:1: not YAML: a tab in the indentation; use spaces");
  EXPECT_EQ(stop_of("a: b: c\n"),
            "t.yaml:1:5: not YAML: a ':' where none can be; check the indentation, or put the text in quotes");
  EXPECT_THAT(stop_of("a:\n  - b\n   - c: d\n"), HasSubstr("check the indentation"));
  EXPECT_THAT(stop_of("a: @b\n"), HasSubstr("put the text in quotes"));
  EXPECT_THAT(stop_of("a: *nowhere\n"), HasSubstr("anchor is not defined"));
}

TEST(YamlText, PlacesSyntaxErrorsWhereTheyWereMade) {
  EXPECT_EQ(stop_of("a: 1\nb\nc: 2\n"),
            "t.yaml:2:1: not YAML: expected a ': ' after this key; check the indentation, or put the text in quotes");
  EXPECT_EQ(stop_of("a:\n  b: 'open\n  c: d\n"), "t.yaml:2:6: not YAML: the quote is never closed");
  EXPECT_EQ(stop_of("a:\n  b: *:80\n"),
            "t.yaml:2:6: not YAML: a value that begins with '*' or '&'; put it in quotes, like '*:8080'");
  EXPECT_EQ(stop_of("a: &x 1\nb: *y\n"), "t.yaml:2:4: '*y' stands for nothing: the anchor is not defined");
}

TEST(YamlText, TakesColonsInValues) {
  EXPECT_EQ(json_of("a: ::1\nb: [10.0.0.1:80, 'x', fe80::1, http://h:1/p?q=r]\nc: {d: '::1'}\n"),
            R"({"a":"::1","b":["10.0.0.1:80","x","fe80::1","http://h:1/p?q=r"],"c":{"d":"::1"}})");
  EXPECT_EQ(stop_of("a: {host: ::1}\n"),
            "t.yaml:1:11: not YAML: a value that begins with ':' inside [ ] or { }; put it in quotes, like '::1'");
}

TEST(YamlText, CountsColumnsInCharacters) { EXPECT_EQ(parse_yaml("{ä: 1, ö: 2}", "t.yaml").root.members[1].column, 8); }

TEST(YamlText, RefusesQuotesThatAreNeverClosed) {
  for (std::string_view text : {"k: 'open\nb: c\n", "k: \"open\n", "k: 'it''s\n", "k: \"a\\\"\n", "k: 'open", "k: '"}) {
    EXPECT_THAT(stop_of(text), HasSubstr("the quote is never closed")) << text;
  }
  EXPECT_EQ(json_of("['it''s', \"a\\\"b\", '', \"\", 'two\n\nlines']"), R"(["it's","a\"b","","","two\u000alines"])");
}

TEST(YamlText, RefusesControlBytes) {
  EXPECT_EQ(
      stop_of("a: b\nc: \x04 d\n"),
      "t.yaml:2:4: the byte 0x04 is not allowed in YAML, which is UTF-8 without control bytes; an escape in double "
      "quotes can stand for it");
  EXPECT_THAT(stop_of(std::string_view("a: \0", 4)), HasSubstr("t.yaml:1:4: the byte 0x00"));
}

TEST(YamlText, RefusesWhatIsNotUtf8) {
  for (std::string_view bad :
       {"\xff", "\x80", "\xc3(", "\xc0\xaf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82"}) {
    EXPECT_THAT(stop_of(fmt::format("a: {}\n", bad)), HasSubstr("t.yaml:1:4: the byte 0x"));
  }
  EXPECT_EQ(json_of("a: äß€😀\n"), R"({"a":"äß€😀"})");
}

TEST(YamlText, TakesAByteOrderMarkAndWindowsLineEnds) {
  EXPECT_EQ(json_of("\xef\xbb\xbf"
                    "a: 'b'\r\nc: d\r\n"),
            R"({"a":"b","c":"d"})");
}

TEST(YamlText, RefusesASecondDocument) {
  EXPECT_THAT(stop_of("a: 1\n---\nb: 2\n"), HasSubstr("a file holds one document"));
}

TEST(YamlText, PutsTheKeysOfMergedMapsBehindTheMapsOwn) {
  EXPECT_EQ(json_of("a: &x {k: v, l: w}\nb:\n  <<: *x\n  k: own\n"),
            R"({"a":{"k":"v","l":"w"},"b":{"k":"own","l":"w"}})");
  EXPECT_EQ(json_of("a: &x {k: 1}\nb: &y {k: 2, l: 3}\nc: {<<: [*x, *y]}\nd: &z {<<: *y, m: 4}\ne: {<<: *z}\n"),
            R"({"a":{"k":"1"},"b":{"k":"2","l":"3"},"c":{"k":"1","l":"3"},"d":{"m":"4","k":"2","l":"3"},)"
            R"("e":{"m":"4","k":"2","l":"3"}})");
}

TEST(YamlText, RefusesToMergeWhatIsNoMap) {
  EXPECT_THAT(stop_of("a: &x v\nb:\n  <<: *x\n"), HasSubstr("t.yaml:3:3: '<<' takes the alias of a map"));
  EXPECT_THAT(stop_of("a: &x {}\nb: {<<: [*x, y]}\n"), HasSubstr("'<<' takes the alias of a map"));
}

TEST(YamlText, RefusesKeysThatAreNoWords) {
  EXPECT_THAT(stop_of("? [a, b]\n: c\n"), HasSubstr("a key must be a word"));
  EXPECT_THAT(stop_of("x: &k a\n*k : c\n"), HasSubstr("an alias as a key"));
}

TEST(YamlText, RefusesTags) {
  Document document = parse_yaml("a: !!binary aGVsbG8=\nb: !mine {c: d}\n", "t.yaml");
  EXPECT_EQ(document.faults.size(), 2u);
  EXPECT_THAT(format(document.faults[0]), HasSubstr("the tag 'tag:yaml.org,2002:binary' has no meaning here"));
}

TEST(YamlText, SurvivesBytesThatAreNoText) {
  parse_yaml(std::string_view("\0\0\0", 3), "t.yaml");
  parse_yaml("\xff\xfe\x00", "t.yaml");
  parse_yaml("\xc3\x28: \x80\n", "t.yaml");
  parse_yaml("%YAML 9.9\n---\na", "t.yaml");
}

}  // namespace
}  // namespace weir::config
