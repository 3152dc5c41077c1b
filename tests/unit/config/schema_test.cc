#include "config/schema.h"

#include <nlohmann/json.hpp>

#include "tests/unit/config/kinds_for_tests.h"

namespace weir::config {
namespace {

using Json = nlohmann::json;

Json schema() { return Json::parse(json_schema(test_kinds())); }

TEST(Schema, DescribesEveryResourceOnce) {
  Json parsed = schema();
  EXPECT_EQ(parsed["$schema"], "https://json-schema.org/draft/2020-12/schema");
  EXPECT_EQ(parsed["$ref"], "#/$defs/config");
  for (const char* name : {"config", "admin", "token", "access_log", "timeouts", "listener", "route", "match",
                           "redirect", "respond", "rewrite", "header_changes", "timeout_overrides", "limits", "pool",
                           "health_check", "retries", "connections", "backend"}) {
    ASSERT_TRUE(parsed["$defs"].contains(name)) << name;
    EXPECT_FALSE(parsed["$defs"][name]["description"].get<std::string>().empty()) << name;
  }
}

TEST(Schema, ResolvesEveryReference) {
  Json parsed = schema();
  std::vector<const Json*> open{&parsed};
  while (!open.empty()) {
    const Json* node = open.back();
    open.pop_back();
    if (node->is_object() && node->contains("$ref")) {
      std::string target = (*node)["$ref"].get<std::string>().substr(1);
      EXPECT_TRUE(parsed.contains(Json::json_pointer(target))) << target;
    }
    if (node->is_structured()) {
      for (const Json& child : *node) open.push_back(&child);
    }
  }
}

TEST(Schema, GivesRangesDefaultsAndRequiredKeys) {
  Json parsed = schema();
  Json pool = parsed["$defs"]["pool"];
  EXPECT_EQ(pool["required"], Json::parse(R"(["name"])"));
  EXPECT_EQ(pool["additionalProperties"], false);
  EXPECT_EQ(pool["properties"]["drain_timeout"]["default"], "5m");
  EXPECT_EQ(pool["properties"]["protocol"]["enum"], Json::parse(R"(["http/1.1", "h2", "auto"])"));
  EXPECT_FALSE(pool["properties"].contains("origin"));
  Json port = parsed["$defs"]["backend"]["anyOf"][0]["properties"]["port"];
  EXPECT_EQ(port["minimum"], 1);
  EXPECT_EQ(port["maximum"], 65535);
}

TEST(Schema, AllowsNotesWhereTheReaderDoes) {
  Json definitions = schema()["$defs"];
  for (const char* name : {"config", "listener", "pool"}) {
    EXPECT_TRUE(definitions[name].contains("patternProperties")) << name;
  }
  EXPECT_TRUE(definitions["backend"]["anyOf"][0].contains("patternProperties"));
  for (const char* name : {"route", "match", "header_changes", "forward"}) {
    EXPECT_FALSE(definitions[name].dump().contains("patternProperties")) << name;
  }
  EXPECT_FALSE(definitions["health_check"].dump().contains("patternProperties"));
}

TEST(Schema, ListsWhatIsRegistered) {
  Json parsed = schema();
  Json algorithm = parsed["$defs"]["pool"]["properties"]["algorithm"];
  EXPECT_EQ(algorithm["anyOf"][0]["enum"],
            Json::parse(R"(["round_robin", "weighted_round_robin", "maglev", "consistent_hash"])"));
  EXPECT_EQ(algorithm["anyOf"][4]["properties"]["replicas"]["maximum"], 1000);
  Json health = parsed["$defs"]["health_check"]["anyOf"];
  EXPECT_EQ(health[0]["properties"]["type"]["const"], "http");
  EXPECT_FALSE(health[0].contains("required"));
  EXPECT_EQ(health[1]["properties"]["type"]["const"], "tcp");
  EXPECT_FALSE(health[1].contains("required")) << "the usual type; http is meant where one of its options is named";
}

}  // namespace
}  // namespace weir::config
