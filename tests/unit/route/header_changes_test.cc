#include "route/header_changes.h"

#include <gtest/gtest.h>

#include "route/table.h"

namespace weir::route {
namespace {

http::HeaderField field(std::string_view name) { return {.name = name, .value = "v", .id = http::header_id(name)}; }
std::string text_of(const HeaderChanges& changes) {
  std::string text;
  for (const http::HeaderField& added : changes.appended()) {
    text.append(added.name).append("=").append(added.value).append(";");
  }
  return text;
}

TEST(HeaderChanges, OfNothingAreEmpty) {
  EXPECT_TRUE(HeaderChanges().empty());
  EXPECT_TRUE(HeaderChanges(config::HeaderChanges{}).empty());
  EXPECT_FALSE(HeaderChanges().removes(field("x-a")));
}

TEST(HeaderChanges, RemoveIgnoringCase) {
  const HeaderChanges changes({.set = {}, .add = {}, .remove = {"X-Secret", "Server"}});
  EXPECT_FALSE(changes.empty());
  EXPECT_TRUE(changes.removes(field("x-SECRET")));
  EXPECT_TRUE(changes.removes(field("server")));
  EXPECT_FALSE(changes.removes(field("x-secrets")));
  EXPECT_FALSE(changes.removes(field("date")));
  EXPECT_TRUE(changes.appended().empty());
}

TEST(HeaderChanges, SetReplacesAndAddDoesNot) {
  const HeaderChanges changes({.set = {{"X-A", "1"}, {"Via", "w"}}, .add = {{"X-B", "2"}, {"X-B", "3"}}, .remove = {}});
  EXPECT_TRUE(changes.removes(field("x-a")));
  EXPECT_TRUE(changes.removes(field("via")));
  EXPECT_FALSE(changes.removes(field("x-b")));
  EXPECT_EQ(text_of(changes), "x-a=1;via=w;x-b=2;x-b=3;");
  EXPECT_EQ(changes.appended()[1].id, http::HeaderId::via);
}

TEST(HeaderChanges, SetTwiceKeepsTheLater) {
  const HeaderChanges changes({.set = {{"X-A", "1"}, {"x-a", "2"}}, .add = {}, .remove = {}});
  EXPECT_EQ(text_of(changes), "x-a=2;");
}

TEST(HeaderChanges, LeaveTheFieldsOfTheConnectionToTheProxy) {
  for (const char* name : {"Host", "Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive", "TE", "Trailer",
                           "Upgrade", "Expect", "Proxy-Connection"}) {
    const HeaderChanges changes({.set = {{name, "1"}}, .add = {{name, "2"}}, .remove = {name}});
    EXPECT_TRUE(changes.empty()) << name;
    EXPECT_FALSE(changes.removes(field(name))) << name;
  }
}

TEST(HeaderChanges, NeverLetAValueEndItsLine) {
  using namespace std::string_literals;
  const HeaderChanges changes(
      {.set = {}, .add = {{"X-A", " a\r\nX-Evil: 1\0b "s}, {"X B: c\r\nX", "v"}}, .remove = {}});
  EXPECT_EQ(text_of(changes), "x-a=a  X-Evil: 1 b;");
}

TEST(HeaderChanges, StayValidWhenMoved) {
  HeaderChanges first({.set = {{"X-A", "short"}}, .add = {}, .remove = {}});
  HeaderChanges second = std::move(first);
  EXPECT_EQ(text_of(second), "x-a=short;");
  first = std::move(second);
  EXPECT_EQ(text_of(first), "x-a=short;");
}

TEST(HeaderChanges, AreKeptByTheTableForBothWays) {
  config::Listener listener;
  listener.routes.resize(2);
  listener.routes[1].request_headers.set = {{"X-A", "1"}};
  listener.routes[1].response_headers.remove = {"Server"};
  const auto table = Table::compile(listener);
  EXPECT_TRUE(table->request_headers(0).empty());
  EXPECT_EQ(text_of(table->request_headers(1)), "x-a=1;");
  EXPECT_TRUE(table->response_headers(1).removes(field("Server")));
}

}  // namespace
}  // namespace weir::route
