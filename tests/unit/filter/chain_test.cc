#include "filter/chain.h"

#include <crypt.h>

#include "gtest/gtest.h"

#include "filter/password_checks.h"

namespace weir::filter {
namespace {

config::FilterSetting deny(const std::string& address) {
  config::Choice choice = config::default_choice(*config::find_entry(filters(), "deny"));
  choice.options["addresses"] = std::vector<std::string>{address};
  return {.name = "deny", .choices = {choice}};
}
config::FilterSetting body(std::int64_t max) {
  config::Choice choice = config::default_choice(*config::find_entry(filters(), "body"));
  choice.options["max"] = max;
  return {.name = "body", .choices = {choice}};
}
config::FilterSetting cors() {
  config::Choice choice = config::default_choice(*config::find_entry(filters(), "cors"));
  choice.options["origins"] = std::vector<std::string>{"*"};
  return {.name = "cors", .choices = {choice}};
}
config::Route route(const std::string& name, std::vector<config::FilterSetting> settings) {
  config::Route made;
  made.name = name;
  made.pool = "p";
  made.filters.settings = std::move(settings);
  return made;
}

std::shared_ptr<const std::string> no_file(const std::string&) { return nullptr; }

std::string names_of(const Chain* chain) {
  std::string all;
  for (std::size_t i = 0; chain != nullptr && i < chain->size(); ++i) all += chain->parts()[i].choice.name + " ";
  return all;
}

class ChainsTest : public testing::Test {
 protected:
  ChainsTest() {
    listener_.name = "web";
    listener_.filters.settings = {deny("10.0.0.1"), cors()};
    listener_.routes = {route("plain", {}), route("own", {deny("10.0.0.2"), body(5)}),
                        route("bare", {{.name = "deny", .choices = {}}, {.name = "cors", .choices = {}}})};
    config::Route moved = route("moved", {});
    moved.pool.clear();
    moved.redirect = config::Redirect{.to = "/x"};
    listener_.routes.push_back(std::move(moved));
  }
  std::unique_ptr<Chains> make(const Chains* previous = nullptr) const {
    return std::make_unique<Chains>(listener_, Setting{}, no_file, previous);
  }
  config::Listener listener_;
};

TEST_F(ChainsTest, ARouteReplacesAndRemovesWhatTheListenerHas) {
  auto chains = make();
  EXPECT_EQ(names_of(chains->of_route(UINT32_MAX)), "deny cors ");
  EXPECT_EQ(chains->of_route(0), chains->of_route(UINT32_MAX)) << "the same for a route that says nothing";
  EXPECT_EQ(names_of(chains->of_route(1)), "deny cors body ");
  EXPECT_NE(&(*chains->of_route(1))[0], &(*chains->of_route(0))[0]);
  EXPECT_EQ(&(*chains->of_route(1))[1], &(*chains->of_route(0))[1]) << "the listener's own";
  EXPECT_EQ(chains->of_route(2), nullptr);
}

TEST_F(ChainsTest, ARedirectAsksNothingOfTheClient) { EXPECT_EQ(names_of(make()->of_route(3)), "deny "); }

TEST_F(ChainsTest, ShortFormsAreFilters) {
  listener_.limits.body_bytes = 7;
  listener_.tls.emplace().hsts.max_age = std::chrono::seconds(5);
  auto chains = make();
  EXPECT_EQ(names_of(chains->of_route(UINT32_MAX)), "hsts deny cors body ");
  EXPECT_EQ(names_of(chains->of_route(3)), "hsts deny body ");
  EXPECT_EQ(std::get<std::int64_t>(chains->of_route(1)->parts()[3].choice.options.at("max")), 5);
}

TEST_F(ChainsTest, WhatStaysTheSameIsTheSameFilter) {
  auto before = make();
  listener_.routes[1].filters.settings[0] = deny("10.0.0.3");
  auto after = make(before.get());
  EXPECT_EQ(&(*after->of_route(0))[0], &(*before->of_route(0))[0]);
  EXPECT_NE(&(*after->of_route(1))[0], &(*before->of_route(1))[0]);
  EXPECT_EQ(&(*after->of_route(1))[2], &(*before->of_route(1))[2]);
  std::swap(listener_.routes[0], listener_.routes[1]);
  auto moved = make(after.get());
  EXPECT_EQ(&(*moved->of_route(0))[0], &(*after->of_route(1))[0]) << "a route is known by its name";
}

// A backend believes the header on every route that leads to it.
TEST_F(ChainsTest, HeadersThatBackendsBelieveAreTakenOutOnEveryRoute) {
  config::Choice auth = config::default_choice(*config::find_entry(filters(), "auth"));
  auth.options["users.file"] = std::string("users");
  auth.options["user_header"] = std::string("X-User");
  listener_.filters.settings.clear();
  listener_.routes = {route("plain", {}), route("private", {{.name = "auth", .choices = {auth}}})};
  PasswordChecks passwords;
  auto users = [](const std::string&) {
    return std::make_shared<const std::string>(std::string("anna:") + crypt("secret", "$2b$04$abcdefghijklmnopqrstuu"));
  };
  Chains chains(listener_, {.passwords = &passwords}, users, nullptr);
  for (std::uint32_t index : {0U, 1U, UINT32_MAX}) {
    base::Arena arena;
    HeadEdit edit(arena);
    http::RequestHead head;
    base::IpAddress client;
    Request request{.head = head, .client = client, .worker = 0, .now = {}, .arena = arena, .edit = edit};
    Memory memory = nullptr;
    ASSERT_NE(chains.of_route(index), nullptr);
    static_cast<void>((*chains.of_route(index))[0].on_request(request, memory));
    EXPECT_TRUE(edit.removes({.name = "X_User", .value = {}, .id = http::HeaderId::other})) << index;
  }
}

TEST_F(ChainsTest, WithoutFiltersThereIsNothing) {
  listener_.filters.settings.clear();
  listener_.routes.clear();
  EXPECT_TRUE(make()->empty());
  EXPECT_EQ(make()->of_route(UINT32_MAX), nullptr);
}

}  // namespace
}  // namespace weir::filter
