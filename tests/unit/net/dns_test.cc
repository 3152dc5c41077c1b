#include "net/dns.h"

#include <optional>
#include <vector>

#include "gtest/gtest.h"

#include "net/dns_watch.h"
#include "net/task_group.h"
#include "net/wait.h"
#include "tests/support/dns_server.h"

namespace weir::net {
namespace {

using namespace std::chrono_literals;
using base::ErrorCode;
using test::DnsServer;

Task<void> resolve_into(Resolver& resolver, std::string host, base::TimePoint deadline,
                        std::optional<base::Result<Resolution>>& result) {
  result = co_await resolver.resolve(std::move(host), deadline);
}
Task<void> close_watch(NameWatch& watch) { co_await watch.close(); }

class DnsTest : public testing::Test {
 protected:
  DnsTest() { reactor_.adopt_thread(); }
  ~DnsTest() override {
    group_.cancel();
    run_until([&] { return group_.size() == 0; });
  }
  template <typename Condition>
  void run_until(Condition done) {
    auto give_up = base::now() + 20s;
    while (!done() && base::now() < give_up) reactor_.run_once(base::now() + 50ms);
    ASSERT_TRUE(done());
  }
  ResolverOptions options() {
    return {.servers = server_.address(), .try_timeout = 10s, .tries = 1, .min_ttl = 1s, .max_ttl = 1h};
  }
  base::Result<Resolution> resolve(Resolver& resolver, std::string host, base::Nanoseconds within = 15s) {
    std::optional<base::Result<Resolution>> result;
    group_.spawn(resolve_into(resolver, std::move(host), base::now() + within, result));
    run_until([&] { return result.has_value(); });
    return *result;
  }
  base::Result<Resolution> resolve(std::string host, base::Nanoseconds within = 15s) {
    Resolver resolver(options());
    return resolve(resolver, std::move(host), within);
  }
  static std::vector<std::string> texts(const std::vector<base::IpAddress>& addresses) {
    std::vector<std::string> out;
    for (const base::IpAddress& address : addresses) out.push_back(address.to_string());
    return out;
  }

  DnsServer server_;
  Reactor reactor_;
  TaskGroup group_;
};

using Texts = std::vector<std::string>;

TEST_F(DnsTest, AnswersAddressLiteralsAtOnce) {
  Resolver resolver(options());
  for (const char* text : {"10.1.2.3", "::1", "[2001:db8::5]"}) {
    std::optional<base::Result<Resolution>> result;
    group_.spawn(resolve_into(resolver, text, base::now() + 1s, result));
    ASSERT_TRUE(result && *result) << text;
    EXPECT_EQ((*result)->addresses, std::vector{*base::IpAddress::parse(text)});
    EXPECT_EQ((*result)->ttl, base::Nanoseconds::max());
  }
}

TEST_F(DnsTest, FindsBothFamiliesSortedAndWithoutDuplicates) {
  server_.set("a.example", {.addresses = {"10.0.0.2", "2001:db8::2", "10.0.0.1", "10.0.0.2", "2001:db8::1"}});
  auto found = resolve("a.example");
  ASSERT_TRUE(found);
  EXPECT_EQ(texts(found->addresses), (Texts{"10.0.0.1", "10.0.0.2", "2001:db8::1", "2001:db8::2"}));
  EXPECT_EQ(found->ttl, 60s);
}

TEST_F(DnsTest, OneFamilyAloneIsEnough) {
  server_.set("four.example", {.addresses = {"10.0.0.4"}});
  server_.set("six.example", {.addresses = {"2001:db8::6"}});
  EXPECT_EQ(texts(resolve("four.example")->addresses), Texts{"10.0.0.4"});
  EXPECT_EQ(texts(resolve("six.example")->addresses), Texts{"2001:db8::6"});
}

TEST_F(DnsTest, FollowsAliasesAndTakesTheShortestTtl) {
  server_.set("www.example", {.addresses = {"10.0.0.9"}, .ttl = 300, .alias = "real.example", .alias_ttl = 20});
  auto found = resolve("www.example");
  ASSERT_TRUE(found);
  EXPECT_EQ(texts(found->addresses), Texts{"10.0.0.9"});
  EXPECT_EQ(found->ttl, 20s);
}

TEST_F(DnsTest, ClampsTheTtl) {
  server_.set("short.example", {.addresses = {"10.0.0.1"}, .ttl = 0});
  server_.set("long.example", {.addresses = {"10.0.0.1"}, .ttl = 1'000'000});
  EXPECT_EQ(resolve("short.example")->ttl, 1s);
  EXPECT_EQ(resolve("long.example")->ttl, 1h);
}

TEST_F(DnsTest, AsksAgainOverTcpWhenTheAnswerIsTruncated) {
  Texts many;
  for (int i = 1; i <= 200; ++i) many.push_back("10.0.0." + std::to_string(i));
  server_.set("big.example", {.addresses = many, .truncated_over_udp = true});
  auto found = resolve("big.example");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->addresses.size(), 200u);
}

TEST_F(DnsTest, ReadsTheHostsFile) {
  auto found = resolve("localhost");
  ASSERT_TRUE(found);
  for (const base::IpAddress& address : found->addresses) EXPECT_TRUE(address.is_loopback());
  EXPECT_EQ(server_.questions("localhost"), 0);
}

TEST_F(DnsTest, TellsFailuresApart) {
  server_.set("empty.example", {.addresses = {}});
  server_.set("broken.example", {.addresses = {}, .rcode = 2});
  server_.set("refused.example", {.addresses = {}, .rcode = 5});
  EXPECT_EQ(resolve("missing.example").error().code, ErrorCode::not_found);
  EXPECT_EQ(resolve("empty.example").error().code, ErrorCode::not_found);
  EXPECT_EQ(resolve("broken.example").error().code, ErrorCode::refused);
  EXPECT_EQ(resolve("refused.example").error().code, ErrorCode::refused);
}

TEST_F(DnsTest, RefusesWhatIsNoName) {
  for (const std::string& host : {std::string(), std::string("a\0b", 3), std::string(300, 'x'), std::string("a..b")}) {
    auto found = resolve(host);
    ASSERT_FALSE(found) << host;
    EXPECT_TRUE(found.error().code == ErrorCode::protocol || found.error().code == ErrorCode::not_found) << host;
  }
}

TEST_F(DnsTest, GivesUpAtTheDeadline) {
  server_.set("silent.example", {.addresses = {}, .silent = true});
  EXPECT_EQ(resolve("silent.example", 30ms).error().code, ErrorCode::timeout);
}

TEST_F(DnsTest, GivesUpAfterItsTriesBeforeTheDeadline) {
  server_.set("silent.example", {.addresses = {}, .silent = true});
  ResolverOptions quick = options();
  quick.try_timeout = 30ms;
  Resolver resolver(quick);
  EXPECT_EQ(resolve(resolver, "silent.example").error().code, ErrorCode::timeout);
}

TEST_F(DnsTest, WorksAgainAfterATimeoutAndAfterARefusal) {
  ResolverOptions quick = options();
  quick.try_timeout = 500ms;
  Resolver resolver(quick);
  server_.set("a.example", {.addresses = {}, .silent = true});
  EXPECT_EQ(resolve(resolver, "a.example").error().code, ErrorCode::timeout);
  server_.set("a.example", {.addresses = {}, .rcode = 5});
  EXPECT_EQ(resolve(resolver, "a.example").error().code, ErrorCode::refused);
  server_.set("a.example", {.addresses = {"10.0.0.1"}});
  EXPECT_EQ(texts(resolve(resolver, "a.example")->addresses), Texts{"10.0.0.1"});
}

TEST_F(DnsTest, SaysRefusedWhenNoServerListens) {
  ResolverOptions nowhere = options();
  {
    DnsServer gone;
    nowhere.servers = gone.address();
  }
  nowhere.try_timeout = 200ms;
  Resolver resolver(nowhere);
  auto found = resolve(resolver, "a.example");
  ASSERT_FALSE(found);
  EXPECT_TRUE(found.error().code == ErrorCode::refused || found.error().code == ErrorCode::timeout);
}

TEST_F(DnsTest, BadServerAddressesAreAnError) {
  ResolverOptions bad = options();
  bad.servers = "not an address";
  Resolver resolver(bad);
  EXPECT_EQ(resolve(resolver, "a.example").error().code, ErrorCode::protocol);
}

TEST_F(DnsTest, TheSameNameAtTheSameTimeIsAskedOnce) {
  server_.set("a.example", {.addresses = {"10.0.0.1"}});
  Resolver resolver(options());
  std::vector<std::optional<base::Result<Resolution>>> results(10);
  for (auto& result : results) group_.spawn(resolve_into(resolver, "a.example", base::now() + 15s, result));
  run_until([&] { return group_.size() == 0; });
  for (auto& result : results) EXPECT_TRUE(result && *result);
  EXPECT_EQ(server_.questions("a.example"), 1);
}

TEST_F(DnsTest, ManyNamesAreResolvedSideBySide) {
  Resolver resolver(options());
  std::vector<std::optional<base::Result<Resolution>>> results(300);
  for (std::size_t i = 0; i < results.size(); ++i) {
    std::string name = "n" + std::to_string(i) + ".example";
    server_.set(name, {.addresses = {"10.0.1." + std::to_string(i % 250)}});
    group_.spawn(resolve_into(resolver, name, base::now() + 15s, results[i]));
  }
  run_until([&] { return group_.size() == 0; });
  for (std::size_t i = 0; i < results.size(); ++i) {
    ASSERT_TRUE(results[i] && *results[i]) << i;
    EXPECT_EQ(texts((*results[i])->addresses), Texts{"10.0.1." + std::to_string(i % 250)});
  }
}

TEST_F(DnsTest, CancellingAWaitLeavesTheQuestionToOthers) {
  server_.set("silent.example", {.addresses = {}, .silent = true});
  ResolverOptions quick = options();
  quick.try_timeout = 50ms;
  Resolver resolver(quick);
  TaskGroup cancelled;
  std::optional<base::Result<Resolution>> first, second;
  cancelled.spawn(resolve_into(resolver, "silent.example", base::now() + 15s, first));
  group_.spawn(resolve_into(resolver, "silent.example", base::now() + 15s, second));
  cancelled.cancel();
  run_until([&] { return cancelled.size() == 0 && group_.size() == 0; });
  EXPECT_EQ(first->error().code, ErrorCode::cancelled);
  EXPECT_EQ(second->error().code, ErrorCode::timeout);
}

TEST_F(DnsTest, AResolverMayGoWhileAnAbandonedQuestionIsOpen) {
  server_.set("silent.example", {.addresses = {}, .silent = true});
  Resolver resolver(options());
  EXPECT_FALSE(resolve(resolver, "silent.example", 10ms));
}

class NameWatchTest : public DnsTest {
 protected:
  NameWatchTest() {
    ResolverOptions quick = options();
    quick.min_ttl = 5ms;
    quick.max_ttl = 5ms;
    quick.try_timeout = 20ms;
    resolver_ = std::make_unique<Resolver>(quick);
    NameWatchOptions pace{.timeout = 10s, .retry_min = 5ms, .retry_max = 20ms};
    watch_ = std::make_unique<NameWatch>(*resolver_, pace, [this](const std::string& host, const auto& addresses) {
      changes_.push_back({host, texts(addresses)});
    });
  }
  ~NameWatchTest() override {
    group_.spawn(close_watch(*watch_));
    run_until([&] { return group_.size() == 0; });
  }
  struct Change {
    std::string host;
    Texts addresses;
    friend bool operator==(const Change&, const Change&) = default;
  };
  std::unique_ptr<Resolver> resolver_;
  std::unique_ptr<NameWatch> watch_;
  std::vector<Change> changes_;
};

TEST_F(NameWatchTest, TellsOfTheFirstAnswerAndOfChangesOnly) {
  server_.set("a.example", {.addresses = {"10.0.0.1"}, .ttl = 0});
  watch_->set_names({"a.example"});
  EXPECT_EQ(watch_->addresses("a.example"), nullptr);
  run_until([&] { return server_.questions("a.example") >= 4; });
  EXPECT_EQ(changes_, (std::vector<Change>{{"a.example", {"10.0.0.1"}}}));
  server_.set("a.example", {.addresses = {"10.0.0.2", "10.0.0.1"}, .ttl = 0});
  run_until([&] { return changes_.size() == 2; });
  EXPECT_EQ(changes_[1], (Change{"a.example", {"10.0.0.1", "10.0.0.2"}}));
  EXPECT_EQ(texts(*watch_->addresses("a.example")), (Texts{"10.0.0.1", "10.0.0.2"}));
}

TEST_F(NameWatchTest, AnotherOrderIsNoChange) {
  server_.set("a.example", {.addresses = {"10.0.0.1", "10.0.0.2"}, .ttl = 0});
  watch_->set_names({"a.example"});
  run_until([&] { return changes_.size() == 1; });
  server_.set("a.example", {.addresses = {"10.0.0.2", "10.0.0.1"}, .ttl = 0});
  int asked = server_.questions("a.example");
  run_until([&] { return server_.questions("a.example") >= asked + 3; });
  EXPECT_EQ(changes_.size(), 1u);
}

TEST_F(NameWatchTest, KeepsTheLastGoodAnswerOverFailures) {
  server_.set("a.example", {.addresses = {"10.0.0.1"}, .ttl = 0});
  watch_->set_names({"a.example"});
  run_until([&] { return changes_.size() == 1; });
  for (DnsServer::Answer failure :
       {DnsServer::Answer{.addresses = {}, .rcode = 3}, DnsServer::Answer{.addresses = {}, .rcode = 2},
        DnsServer::Answer{.addresses = {}, .silent = true}}) {
    server_.set("a.example", failure);
    int asked = server_.questions("a.example");
    run_until([&] { return server_.questions("a.example") >= asked + 3; });
    EXPECT_EQ(texts(*watch_->addresses("a.example")), Texts{"10.0.0.1"});
  }
  server_.set("a.example", {.addresses = {"10.0.0.7"}, .ttl = 0});
  run_until([&] { return changes_.back().addresses == Texts{"10.0.0.7"}; });
}

TEST_F(NameWatchTest, TellsOnceWhenANameNoLongerResolvesAndWhenItDoesAgain) {
  server_.set("a.example", {.addresses = {"10.0.0.1"}, .ttl = 0});
  watch_->set_names({"a.example"});
  run_until([&] { return changes_.size() == 1; });
  EXPECT_EQ(watch_->error("a.example"), nullptr);
  server_.set("a.example", {.addresses = {}, .rcode = 3});
  int asked = server_.questions("a.example");
  run_until([&] { return server_.questions("a.example") >= asked + 3; });
  EXPECT_EQ(changes_.size(), 2u);
  ASSERT_NE(watch_->error("a.example"), nullptr);
  EXPECT_EQ(watch_->error("a.example")->code, ErrorCode::not_found);
  server_.set("a.example", {.addresses = {"10.0.0.1"}, .ttl = 0});
  run_until([&] { return changes_.size() == 3; });
  EXPECT_EQ(watch_->error("a.example"), nullptr);
}

TEST_F(NameWatchTest, ANameThatDoesNotResolveYetIsTriedAgain) {
  watch_->set_names({"late.example"});
  run_until([&] { return server_.questions("late.example") >= 2; });
  EXPECT_EQ(watch_->addresses("late.example"), nullptr);
  EXPECT_EQ(changes_, (std::vector<Change>{{"late.example", {}}})) << "that it does not resolve";
  server_.set("late.example", {.addresses = {"10.0.0.3"}});
  run_until([&] { return changes_.size() == 2; });
}

TEST_F(NameWatchTest, LiteralsAreAnsweredWithoutAServer) {
  watch_->set_names({"10.9.9.9", "::1"});
  run_until([&] { return changes_.size() == 2; });
  EXPECT_NE(watch_->addresses("::1"), nullptr);
}

TEST_F(NameWatchTest, NamesThatLeaveAreForgottenAndThoseThatStayKeepTheirAnswer) {
  server_.set("a.example", {.addresses = {"10.0.0.1"}, .ttl = 0});
  server_.set("b.example", {.addresses = {"10.0.0.2"}, .ttl = 0});
  watch_->set_names({"a.example", "b.example"});
  run_until([&] { return changes_.size() == 2; });
  watch_->set_names({"b.example"});
  EXPECT_EQ(watch_->addresses("a.example"), nullptr);
  EXPECT_NE(watch_->addresses("b.example"), nullptr);
  server_.set("a.example", {.addresses = {"10.0.0.8"}, .ttl = 0});
  int asked = server_.questions("b.example");
  run_until([&] { return server_.questions("b.example") >= asked + 3; });
  EXPECT_EQ(changes_.size(), 2u);
  watch_->set_names({"a.example", "b.example"});
  run_until([&] { return changes_.size() == 3; });
  EXPECT_EQ(changes_[2], (Change{"a.example", {"10.0.0.8"}}));
}

}  // namespace
}  // namespace weir::net
