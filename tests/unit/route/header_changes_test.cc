#include "route/header_changes.h"

#include <gtest/gtest.h>

#include "tests/unit/route/support.h"

namespace weir::route {
namespace {

http::HeaderField field(std::string_view name) { return {.name = name, .value = "v", .id = http::header_id(name)}; }
std::string text_of(const HeaderChanges& changes) {
  std::string text;
  base::Arena arena;
  const Request request("GET", "/p?q=1", "a.example:80", "X-In: a\tb\r\n");
  const SetValues values({{config::Variable::client, "10.0.0.1"}, {config::Variable::request_id, " a\r\nX-Evil: 1\n"}});
  changes.append(request, values, arena, [&](std::string_view name, std::string_view value) {
    text.append(name).append("=").append(value).append(";");
  });
  return text;
}
HeaderChanges made(const config::HeaderChanges& changes) {
  return HeaderChanges(changes, config::TemplateUse::request_header);
}

TEST(HeaderChanges, OfNothingAreEmpty) {
  EXPECT_TRUE(HeaderChanges().empty());
  EXPECT_TRUE(made(config::HeaderChanges{}).empty());
  EXPECT_FALSE(HeaderChanges().removes(field("x-a")));
}

TEST(HeaderChanges, RemoveIgnoringCase) {
  const HeaderChanges changes = made({.set = {}, .add = {}, .remove = {"X-Secret", "Server"}});
  EXPECT_FALSE(changes.empty());
  EXPECT_TRUE(changes.removes(field("x-SECRET")));
  EXPECT_TRUE(changes.removes(field("server")));
  EXPECT_FALSE(changes.removes(field("x-secrets")));
  EXPECT_FALSE(changes.removes(field("date")));
  EXPECT_EQ(text_of(changes), "");
}

TEST(HeaderChanges, SetReplacesAndAddDoesNot) {
  const HeaderChanges changes =
      made({.set = {{"X-A", "1"}, {"Via", "w"}}, .add = {{"X-B", "2"}, {"X-B", "3"}}, .remove = {}});
  EXPECT_TRUE(changes.removes(field("x-a")));
  EXPECT_TRUE(changes.removes(field("via")));
  EXPECT_FALSE(changes.removes(field("x-b")));
  EXPECT_EQ(text_of(changes), "x-a=1;via=w;x-b=2;x-b=3;");
}

TEST(HeaderChanges, SetTwiceKeepsTheLater) {
  const HeaderChanges changes = made({.set = {{"X-A", "1"}, {"x-a", "2"}}, .add = {}, .remove = {}});
  EXPECT_EQ(text_of(changes), "x-a=2;");
}

TEST(HeaderChanges, LeaveTheFieldsOfTheConnectionToTheProxy) {
  for (const char* name : {"Host", "Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive", "TE", "Trailer",
                           "Upgrade", "Expect", "Proxy-Connection"}) {
    const HeaderChanges changes = made({.set = {{name, "1"}}, .add = {{name, "2"}}, .remove = {name}});
    EXPECT_TRUE(changes.empty()) << name;
    EXPECT_FALSE(changes.removes(field(name))) << name;
  }
}

TEST(HeaderChanges, NeverLetAValueEndItsLine) {
  using namespace std::string_literals;
  const HeaderChanges changes =
      made({.set = {}, .add = {{"X-A", " a\r\nX-Evil: 1\0b "s}, {"X B: c\r\nX", "v"}}, .remove = {}});
  EXPECT_EQ(text_of(changes), "x-a=a  X-Evil: 1 b;");
}

TEST(HeaderChanges, StayValidWhenMoved) {
  HeaderChanges first = made({.set = {{"X-A", "short"}}, .add = {}, .remove = {}});
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

TEST(HeaderChanges, FillInVariables) {
  EXPECT_EQ(text_of(made({.set = {{"X-Client", "ip={client}; path={path}?{query}"}, {"X-To", "{host} {method}"}},
                          .add = {{"X-Plain", "{{a}"}, {"X-Tab", "{header.x-in}"}},
                          .remove = {}})),
            "x-client=ip=10.0.0.1; path=/p?q=1;x-to=a.example GET;x-plain={a};x-tab=a\tb;");
}

TEST(HeaderChanges, LeaveOutFieldsWhoseVariablesAreEmpty) {
  const HeaderChanges changes = made({.set = {{"X-Sni", "{tls.sni}"}}, .add = {}, .remove = {}});
  EXPECT_EQ(text_of(changes), "");
  EXPECT_TRUE(changes.removes(field("x-sni"))) << "the client's own word goes all the same";
}

TEST(HeaderChanges, NeverLetAVariableEndItsLine) {
  EXPECT_EQ(text_of(made({.set = {{"X-Id", "{request_id}"}}, .add = {}, .remove = {}})), "x-id=a  X-Evil: 1;");
}

}  // namespace
}  // namespace weir::route
