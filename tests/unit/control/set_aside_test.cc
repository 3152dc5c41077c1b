// Stored objects that do not fit are left out; nothing that the API accepted stops a start.
#include "control/set_aside.h"

#include <random>

#include "tests/unit/api/fixture.h"

namespace weir::control {
namespace {

using api::ControlPlane;
using api::FragileStore;
using api::Json;
using api::json_of;
using api::kFile;

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;

std::vector<std::string> aside(const ControlPlane& plane) {
  std::vector<std::string> names;
  for (const auto& [name, object] : plane.catalog.set_aside()) names.push_back(name.text());
  return names;
}

std::string reason(const ControlPlane& plane, const ObjectName& name) {
  auto found = plane.catalog.set_aside().find(name);
  return found == plane.catalog.set_aside().end() ? "not set aside" : found->second.reason;
}

bool reload(ControlPlane& plane, const std::string& file) {
  return plane.run(plane.catalog.reload(ControlPlane::read(file))).has_value();
}

// kFile with its pool "api" under another name.
std::string renamed() {
  std::string file = kFile;
  file.replace(file.find("pool: api"), 9, "pool: new");
  file.replace(file.find("- name: api"), 11, "- name: new");
  return file;
}

TEST(SettingAside, AStartGoesOnWithoutBackendsOfAPoolThatTheFileRenamed) {
  FragileStore store;
  {
    ControlPlane plane(kFile, &store);
    plane.call("POST", "/backends", R"({"address": "10.0.0.9:80", "pool": "api", "id": "x"})");
    plane.call("POST", "/backends", R"({"address": "10.0.0.9:80", "pool": "site", "id": "y"})");
  }
  ControlPlane plane(renamed(), &store);
  ASSERT_TRUE(plane.start);
  EXPECT_THAT(aside(plane), ElementsAre("backend api/x"));
  EXPECT_THAT(reason(plane, {"backend", "api/x"}), HasSubstr("the pool api, which does not exist"));
  EXPECT_THAT(plane.eligible("site"), ElementsAre("web-1", "web-2", "y"));
  EXPECT_EQ(store.contents().objects.size(), 2u) << "the store keeps it";
  ASSERT_TRUE(reload(plane, kFile));
  EXPECT_THAT(aside(plane), IsEmpty());
  EXPECT_THAT(plane.eligible("api"), ElementsAre("api-1", "x"));
}

TEST(SettingAside, HealthNamesTheObjectAndTheReason) {
  FragileStore store;
  {
    ControlPlane plane(kFile, &store);
    plane.call("POST", "/backends", R"({"address": "10.0.0.9:80", "pool": "api", "id": "x"})");
    EXPECT_EQ(json_of(plane.call("GET", "/health"))["set_aside"], Json::array());
  }
  ControlPlane plane(renamed(), &store);
  Json health = json_of(plane.call("GET", "/health"));
  ASSERT_EQ(health["set_aside"].size(), 1u);
  EXPECT_EQ(health["set_aside"][0]["object"], "backend");
  EXPECT_EQ(health["set_aside"][0]["id"], "api/x");
  EXPECT_EQ(health["set_aside"][0]["reason"], reason(plane, {"backend", "api/x"}));
}

TEST(SettingAside, AReloadThatTakesThePoolAwayIsAppliedAndUndone) {
  FragileStore store;
  ControlPlane plane(kFile, &store);
  plane.call("POST", "/backends", R"({"address": "10.0.0.9:80", "pool": "api", "id": "x"})");
  plane.call("POST", "/backends/x/drain");
  int commits = store.commits;
  ASSERT_TRUE(reload(plane, renamed()));
  EXPECT_THAT(aside(plane), ElementsAre("backend api/x"));
  EXPECT_EQ(store.commits, commits) << "nothing is written for it";
  ASSERT_TRUE(reload(plane, kFile));
  EXPECT_EQ(json_of(plane.call("GET", "/backends/x"))["status"], "draining") << "as the operator left it";
}

TEST(SettingAside, DeletingAPoolLeavesBackendsOfPoolsWhoseNamesBeginWithIts) {
  FragileStore store;
  ControlPlane plane(kFile + std::string("  - name: a/b\n"), &store);
  plane.call("POST", "/pools", R"({"name": "a"})");
  plane.call("POST", "/backends", R"({"address": "10.0.0.9:80", "pool": "a/b", "id": "x"})");
  plane.call("POST", "/backends/x/drain");
  ASSERT_TRUE(reload(plane, kFile));
  ASSERT_THAT(aside(plane), ElementsAre("backend a/b/x"));
  EXPECT_EQ(plane.call("DELETE", "/pools/a").status, 200);
  EXPECT_THAT(aside(plane), ElementsAre("backend a/b/x"));
  ASSERT_TRUE(reload(plane, kFile + std::string("  - name: a/b\n")));
  EXPECT_EQ(json_of(plane.call("GET", "/backends/x"))["status"], "draining") << "as the operator left it";
}

TEST(SettingAside, NamesThatTheFileTakesAreTheFiles) {
  FragileStore store;
  {
    ControlPlane plane("", &store);
    plane.call("POST", "/pools", R"({"name": "site", "min_healthy": 7})");
    plane.call("POST", "/pools", R"({"name": "other"})");
    plane.call("POST", "/listeners", R"({"name": "web", "address": "127.0.0.1:8099"})");
    plane.call("PUT", "/listeners/second", R"({"address": "127.0.0.1:8100", "pool": "site"})");
  }
  ControlPlane plane(kFile, &store);
  ASSERT_TRUE(plane.start);
  EXPECT_THAT(aside(plane), UnorderedElementsAre("pool site", "listener second"));
  EXPECT_THAT(reason(plane, {"pool", "site"}), HasSubstr("(weir.yaml:13)"));
  EXPECT_EQ(plane.pool("site")->config->min_healthy, 0u);
  EXPECT_NE(plane.pool("other"), nullptr);
}

TEST(SettingAside, BackendsThatTheFileHasAsWellAreTheFiles) {
  ControlPlane plane(kFile);
  plane.call("POST", "/backends", R"({"address": "10.0.0.9:80", "pool": "api", "id": "x"})");
  for (const char* added :
       {"      - {id: other, host: 10.0.0.9, port: 80}\n", "      - {id: x, host: 10.0.0.8, port: 80}\n"}) {
    ASSERT_TRUE(reload(plane, kFile + added)) << added;
    EXPECT_THAT(aside(plane), ElementsAre("backend api/x")) << added;
    ASSERT_TRUE(reload(plane, kFile));
    EXPECT_THAT(aside(plane), IsEmpty()) << added;
  }
}

TEST(SettingAside, ObjectsThatCannotBeReadAreLeftAloneWithTheReason) {
  FragileStore store;
  store.put({{"pool", "a", "{"},
             {"backend", "p/b", R"({"host": "x", "port": 0})"},
             {"rule", "r", R"({"colour": 1})"},
             {"spell", "s\xff", "{}"},
             {"certificate", "c", R"({"name": "c d", "cert": "", "key": ""})"},
             {"override", "p/b", R"({"weight": -1})"},
             {"pool", "good", R"({"name": "good"})"},
             {"pool", "bad", R"({"name": "another"})"},
             {"listener", "l", R"({"name": 3})"}});
  ControlPlane plane(kFile, &store);
  ASSERT_TRUE(plane.start);
  EXPECT_THAT(aside(plane), UnorderedElementsAre("pool a", "backend p/b", "rule r", "spell s\xff", "override p/b",
                                                 "listener l", "certificate c", "pool bad"));
  EXPECT_THAT(reason(plane, {"rule", "r"}), HasSubstr("colour"));
  EXPECT_NE(plane.pool("good"), nullptr);
  for (const char* path : {"/pools", "/listeners", "/config", "/backends", "/routing-rules", "/certificates"}) {
    EXPECT_FALSE(json_of(plane.call("GET", path)).empty()) << path;
  }
  EXPECT_EQ(plane.call("PUT", "/pools/a", "{}").status, 201) << "it can be made again";
  EXPECT_EQ(plane.call("DELETE", "/routing-rules/r").status, 200);
  EXPECT_THAT(aside(plane), Not(Contains("rule r")));
  EXPECT_THAT(aside(plane), Not(Contains("pool a")));
}

TEST(SettingAside, TheListenerGoesWhereItsAddressIsTakenAndComesBack) {
  ControlPlane plane(kFile);
  plane.call("POST", "/listeners", R"({"name": "l", "address": "127.0.0.1:8090", "pool": "site"})");
  std::string file = kFile;
  file.replace(file.find(":8082"), 5, ":8090");
  ASSERT_TRUE(reload(plane, file));
  EXPECT_THAT(aside(plane), ElementsAre("listener l"));
  EXPECT_THAT(reason(plane, {"listener", "l"}), HasSubstr("is taken by second"));
  ASSERT_TRUE(reload(plane, kFile));
  EXPECT_THAT(aside(plane), IsEmpty());
}

TEST(SettingAside, AListenerThatTheMachineRefusesStopsNoStart) {
  ControlPlane plane(kFile);
  plane.call("POST", "/listeners", R"({"name": "l", "address": "127.0.0.1:8090", "pool": "site"})");
  plane.call("POST", "/listeners", R"({"name": "m", "address": "127.0.0.1:8091", "pool": "site"})");
  bool in_use = true;
  plane.prepare = [&](const config::Config& wanted) {
    for (const config::Listener& listener : wanted.listeners) {
      if (in_use && listener.name == "l") {
        return config::Faults{{listener.origin, "listeners[2].address", "cannot listen on 127.0.0.1:8090"}};
      }
    }
    return config::Faults{};
  };
  ASSERT_TRUE(reload(plane, kFile));
  EXPECT_THAT(aside(plane), ElementsAre("listener l"));
  EXPECT_EQ(reason(plane, {"listener", "l"}), "address: cannot listen on 127.0.0.1:8090");
  in_use = false;
  EXPECT_EQ(plane.call("POST", "/pools", R"({"name": "any"})").status, 201);
  EXPECT_THAT(aside(plane), IsEmpty()) << "any change takes it back";
}

TEST(SettingAside, WhatTheFileGetsWrongIsStillRefused) {
  ControlPlane plane(kFile);
  plane.call("POST", "/pools", R"({"name": "extra"})");
  auto before = plane.snapshot();
  plane.prepare = [](const config::Config&) { return config::Faults{{{}, "listeners[0].address", "is in use"}}; };
  EXPECT_FALSE(reload(plane, kFile));
  EXPECT_EQ(plane.snapshot(), before);
  EXPECT_THAT(aside(plane), IsEmpty());
}

TEST(SettingAside, AChangeIsNotAcceptedAtTheCostOfAnother) {
  ControlPlane plane(kFile);
  plane.call("POST", "/pools", R"({"name": "p"})");
  plane.call("POST", "/listeners", R"({"name": "l", "address": "127.0.0.1:8090", "pool": "p"})");
  EXPECT_EQ(plane.call("DELETE", "/pools/p").status, 409);
  EXPECT_EQ(plane.call("POST", "/listeners", R"({"name": "m", "address": "127.0.0.1:8090", "pool": "p"})").status, 409);
  EXPECT_THAT(aside(plane), IsEmpty());
}

TEST(SettingAside, OfTwoStoredObjectsThatExcludeEachOtherTheLaterServes) {
  FragileStore store;
  auto listener = [](const char* name) {
    return store::Change{"listener", name, fmt::format(R"({{"name": "{}", "address": "127.0.0.1:8090"}})", name)};
  };
  store.put({listener("a")});
  store.put({listener("b")});
  ControlPlane plane(kFile, &store);
  ASSERT_TRUE(plane.start);
  EXPECT_THAT(aside(plane), ElementsAre("listener a"));
  EXPECT_EQ(plane.call("DELETE", "/listeners/b").status, 200);
  EXPECT_THAT(aside(plane), IsEmpty());
}

TEST(SettingAside, TheApiShowsItAndCanRemoveIt) {
  FragileStore store;
  ControlPlane plane(kFile, &store);
  plane.call("POST", "/backends", R"({"address": "10.0.0.9:80", "pool": "api", "id": "x"})");
  plane.call("POST", "/pools", R"({"name": "extra"})");
  ASSERT_TRUE(reload(plane, renamed() + "  - name: extra\n"));
  Json shown = json_of(plane.call("GET", "/backends/x"));
  EXPECT_EQ(shown["status"], "set_aside");
  EXPECT_EQ(shown["pool"], "api");
  EXPECT_THAT(std::string(shown["reason"]), HasSubstr("does not exist"));
  EXPECT_EQ(json_of(plane.call("GET", "/backends?status=set_aside"))["backends"].size(), 1u);
  EXPECT_EQ(json_of(plane.call("GET", "/backends"))["backends"].size(), 4u);
  Json pools = json_of(plane.call("GET", "/pools"))["pools"];
  EXPECT_EQ(pools.back()["status"], "set_aside");
  EXPECT_EQ(json_of(plane.call("GET", "/config"))["set_aside"].size(), 2u);
  EXPECT_EQ(plane.call("DELETE", "/pools/extra?dry_run=true").status, 200);
  EXPECT_EQ(plane.call("DELETE", "/pools/extra").status, 200);
  EXPECT_NE(plane.pool("extra"), nullptr) << "the file's stays";
  EXPECT_EQ(plane.call("DELETE", "/backends/x").status, 200);
  EXPECT_EQ(plane.call("GET", "/backends/x").status, 404);
  EXPECT_THAT(store.contents().objects, IsEmpty());
}

TEST(SettingAside, RulesThatWereStoredTwiceServeOnce) {
  FragileStore store;
  for (const char* id : {"z", "a"}) {
    std::string json = fmt::format(R"({{"rule_id": "{}", "path_prefix": "/r", "backends": ["site/web-1"]}})", id);
    store.put({{"rule", id, json}});
  }
  ControlPlane plane(kFile, &store);
  ASSERT_TRUE(plane.start);
  EXPECT_THAT(aside(plane), ElementsAre("rule z"));
}

// ---- any sequence of calls and edits ------------------------------------------------------------------------------

class Chance {
 public:
  explicit Chance(unsigned seed) : engine_(seed) {}
  bool one_in(unsigned n) { return engine_() % n == 0; }
  template <typename T>
  T of(std::initializer_list<T> choices) {
    return choices.begin()[engine_() % choices.size()];
  }

 private:
  std::mt19937 engine_;
};

std::string some_file(Chance& chance) {
  std::string file = fmt::format("workers: {}\npools:\n  - name: base\n", chance.of({1, 2, 8}));
  std::vector<std::string> pools{"base"};
  for (const char* name : {"p", "q"}) {
    if (chance.one_in(2)) continue;
    pools.emplace_back(name);
    file += fmt::format("  - name: {}\n    protocol: {}\n    sticky: {}\n    backends:\n", name,
                        chance.of({"http/1.1", "h2"}), chance.of({"off", "cookie"}));
    file += fmt::format("      - {{id: {}, host: 10.0.0.{}, port: 80}}\n", chance.of({"a", "b"}), chance.of({1, 2}));
  }
  file += "listeners:\n";
  file += fmt::format("  - {{name: {}, address: '127.0.0.1:{}', pool: {}}}\n", chance.of({"l", "m", "w"}),
                      chance.of({8001, 8002, 8003}), chance.one_in(2) ? pools.back() : pools.front());
  return file;
}

std::string some_call(Chance& chance, ControlPlane& plane) {
  std::string pool = chance.of({"p", "q", "base"}), id = chance.of({"a", "b", "c"});
  std::string method = "PUT", path, body;
  switch (chance.of({0, 1, 2, 3, 4, 5, 6})) {
    case 0:
      path = "/pools/" + pool;
      body = fmt::format(R"({{"protocol": "{}", "sticky": "{}"}})", chance.of({"http/1.1", "h2"}),
                         chance.of({"off", "cookie"}));
      break;
    case 1:
      method = "POST";
      path = "/backends";
      body = fmt::format(R"({{"id": "{}", "host": "10.0.0.{}", "port": 80, "pool": "{}", "max_connections": {}}})", id,
                         chance.of({1, 2, 3}), pool, chance.of({0, 1, 8}));
      break;
    case 2:
      path = "/listeners/" + std::string(chance.of({"l", "m"}));
      body = fmt::format(R"({{"address": "127.0.0.1:{}", "protocol": "{}", "pool": "{}"}})",
                         chance.of({8001, 8002, 8003}), chance.of({"http", "tcp"}), pool);
      break;
    case 3:
      path = "/routing-rules/" + std::string(chance.of({"p", "x", "y"}));
      body = fmt::format(R"({{"path_prefix": "/{}", "backends": ["{}/{}"]}})", chance.of({"one", "two"}), pool, id);
      break;
    case 4:
      method = "DELETE";
      path = chance.of({"/pools/p", "/pools/q", "/listeners/l", "/listeners/m", "/routing-rules/x"});
      break;
    case 5:
      method = "DELETE";
      path = fmt::format("/backends/{}?pool={}", id, pool);
      break;
    default:
      method = "POST";
      path = fmt::format("/backends/{}/{}?pool={}", id, chance.of({"drain", "enable", "disable"}), pool);
  }
  int status = plane.call(method, path, body).status;
  EXPECT_LT(status, 500) << method << " " << path << " " << body;
  return fmt::format("{} {} {}: {}", method, path, body, status);
}

std::size_t stored_definitions(FragileStore& store) {
  std::size_t count = 0;
  for (const store::Object& object : store.contents().objects)
    count += object.kind != "override" && object.kind != "secret";
  return count;
}

class AnySequence : public testing::TestWithParam<unsigned> {};

TEST_P(AnySequence, OfCallsAndEditsLeavesAWeirThatStarts) {
  Chance chance(GetParam());
  FragileStore store;
  std::string file = some_file(chance), story = file;
  auto plane = std::make_unique<ControlPlane>(file, &store);
  for (int step = 0; step < 60; ++step) {
    if (chance.one_in(6)) {
      file = some_file(chance);
      story += "reload " + file;
      ASSERT_TRUE(reload(*plane, file)) << story;
    } else if (chance.one_in(8)) {
      if (chance.one_in(2)) file = some_file(chance);
      story += "start " + file;
      plane = std::make_unique<ControlPlane>(file, &store);
      ASSERT_TRUE(plane->start) << story;
    } else {
      story += some_call(chance, *plane) + "\n";
    }
    std::size_t known = names_of(plane->catalog.objects()).size() + plane->catalog.set_aside().size();
    ASSERT_EQ(known, stored_definitions(store)) << story;
    for (const auto& [name, object] : plane->catalog.set_aside()) ASSERT_NE(object.reason, "") << name.text() << story;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, AnySequence, testing::Range(1u, 41u));

}  // namespace
}  // namespace weir::control
