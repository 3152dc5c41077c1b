// Small tables of kinds, so that these tests do not depend on what is registered elsewhere.
#pragma once

#include <array>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>

#include "config/fault.h"
#include "config/kinds.h"
#include "config/read.h"

namespace weir::config {

// The one rule of the hash options that their types do not say.
inline std::vector<OptionFault> hash_faults(const Choice& choice) {
  if (option<std::string>(choice, "hash_key") != "nonsense") return {};
  return {{.key = "hash_key", .message = "'nonsense' is no hash key"}};
}

inline std::vector<OptionFault> name_faults(const Choice& choice) {
  if (!option<std::string>(choice, "name").empty()) return {};
  return {{.key = "name", .message = "needs a name"}};
}

inline std::vector<OptionFault> door_faults(const Choice& choice) {
  if (option<std::vector<std::string>>(choice, "keys.words") != std::vector<std::string>{"none"}) return {};
  return {{.key = "keys.words", .message = "must not be none"}};
}

inline const Kinds& test_kinds() {
  static constexpr std::array<std::string_view, 2> kHttpMethods{"GET", "HEAD"};
  static const std::array<OptionSpec, 4> kHashOptions{{
      {.key = "hash_key",
       .type = OptionType::text,
       .default_value = std::string("client_address"),
       .summary = "what is hashed"},
      {.key = "replicas",
       .type = OptionType::integer,
       .default_value = std::int64_t{150},
       .min = 1,
       .max = 1000,
       .summary = "points per weight"},
      {.key = "load_factor",
       .type = OptionType::number,
       .default_value = 1.25,
       .min = 1,
       .max = 10,
       .summary = "bound of the load"},
      {.key = "bounded", .type = OptionType::boolean, .default_value = true, .summary = "bound the load"},
  }};
  static const std::array<KindEntry, 4> kStrategies{{
      {.name = "round_robin", .summary = "each in turn", .options = {}, .traits = {.ignores_weights = true}},
      {.name = "weighted_round_robin", .summary = "in turn by weight", .options = {}},
      {.name = "maglev", .summary = "a table", .options = {}},
      {.name = "consistent_hash", .summary = "a ring", .options = kHashOptions, .faults = hash_faults},
  }};
  static const std::array<OptionSpec, 5> kHttpOptions{{
      {.key = "path",
       .type = OptionType::text,
       .default_value = std::string("/health"),
       .summary = "what is asked for"},
      {.key = "method",
       .type = OptionType::text,
       .default_value = std::string("GET"),
       .summary = "how",
       .allowed = kHttpMethods},
      {.key = "expected_status",
       .type = OptionType::text_list,
       .default_value = std::vector<std::string>{"200-299"},
       .summary = "what is good"},
      {.key = "headers",
       .type = OptionType::text_map,
       .default_value = std::map<std::string, std::string>{},
       .summary = "sent along"},
      {.key = "settle",
       .type = OptionType::duration,
       .default_value = Duration(0),
       .min = 0,
       .max = 10'000,
       .summary = "wait before"},
  }};
  static const std::array<KindEntry, 2> kCheckers{{
      {.name = "http",
       .summary = "a request",
       .options = kHttpOptions,
       .traits = {.over_http = true, .asks_path = true}},
      {.name = "tcp", .summary = "a connection", .options = {}},
  }};
  static const std::array<OptionSpec, 1> kSqliteOptions{{
      {.key = "path",
       .type = OptionType::text,
       .default_value = std::string("weir.db"),
       .summary = "the file",
       .is_path = true},
  }};
  static const std::array<KindEntry, 2> kStores{{
      {.name = "memory", .summary = "forgets", .options = {}},
      {.name = "sqlite", .summary = "a file", .options = kSqliteOptions},
  }};
  static const std::array<OptionSpec, 6> kCookieOptions{{
      {.key = "name", .type = OptionType::text, .default_value = std::string("SERVERID"), .summary = "its name"},
      {.key = "ttl",
       .type = OptionType::duration,
       .default_value = Duration(3'600'000),
       .min = 1000,
       .max = 400.0 * 86'400'000,
       .summary = "how long it lasts"},
      {.key = "absolute", .type = OptionType::boolean, .default_value = false, .summary = "not renewed"},
      {.key = "secure",
       .type = OptionType::boolean,
       .default_value = false,
       .summary = "TLS only",
       .is_optional = true},
      {.key = "same_site", .type = OptionType::text, .default_value = std::string("lax"), .summary = "other sites"},
      {.key = "path", .type = OptionType::text, .default_value = std::string("/"), .summary = "paths"},
  }};
  static const std::array<OptionSpec, 1> kHeaderOptions{
      {{.key = "name", .type = OptionType::text, .default_value = std::string(), .summary = "its name"}}};
  static const std::array<KindEntry, 3> kMethods{{
      {.name = "cookie",
       .summary = "a cookie",
       .options = kCookieOptions,
       .traits = {.needs_requests = true, .sets_cookie = true}},
      {.name = "source_ip", .summary = "the address", .options = {}},
      {.name = "header",
       .summary = "a header",
       .options = kHeaderOptions,
       .faults = name_faults,
       .traits = {.needs_requests = true}},
  }};
  static const std::array<OptionSpec, 3> kDoorOptions{{
      {.key = "most",
       .type = OptionType::integer,
       .default_value = std::int64_t{0},
       .min = 0,
       .max = 1e15,
       .summary = "how much",
       .unit = Unit::bytes},
      {.key = "keys.file",
       .type = OptionType::text,
       .default_value = std::string(),
       .summary = "whose",
       .is_path = true},
      {.key = "keys.words",
       .type = OptionType::text_list,
       .default_value = std::vector<std::string>(),
       .summary = "which"},
  }};
  static const std::array<KindEntry, 3> kFilters{{
      {.name = "lamp", .summary = "lights", .options = {}, .sample = "{}"},
      {.name = "door",
       .summary = "opens",
       .options = kDoorOptions,
       .faults = door_faults,
       .sample = "{most: 1KB, keys: {file: keys.txt}}"},
      {.name = "step", .summary = "one of many", .options = kHeaderOptions, .traits = {.several = true}},
  }};
  static const std::array<Kind, 5> kAll{{{"strategies", "algorithm", "pools[].algorithm", "", kStrategies},
                                         {"checkers", "health check type", "pools[].health_check.type", "", kCheckers},
                                         {"methods", "stickiness method", "pools[].sticky.type", "", kMethods},
                                         {"filters", "filter", "listeners[].filters", "", kFilters},
                                         {"stores", "store type", "store.type", "", kStores}}};
  static const Kinds kKinds(kAll);
  return kKinds;
}

// All faults as "line:column: path: message" lines.
inline std::string faults_text(const Faults& faults) {
  std::string out;
  for (const Fault& fault : faults) out += format(fault) + "\n";
  return out;
}

// The configuration, or a failed test.
inline Config must_read(std::string_view yaml) {
  auto config = read_yaml(yaml, "t.yaml", test_kinds());
  EXPECT_TRUE(config.has_value()) << faults_text(config.error());
  return config.value_or(Config{});
}

// The faults as text; empty when there are none.
inline std::string faults_of(std::string_view yaml) {
  auto config = read_yaml(yaml, "t.yaml", test_kinds());
  return config ? "" : faults_text(config.error());
}

// A backend, route or pool inside an otherwise good configuration.
inline std::string with_backend(std::string_view backend) {
  return "pools:\n- name: p\n  backends:\n  - " + std::string(backend) + "\n";
}
inline std::string with_pool(std::string_view keys) { return "pools:\n- {name: p, " + std::string(keys) + "}\n"; }
inline std::string with_route(std::string_view keys) {
  return "pools: [{name: p}]\nlisteners:\n- name: l\n  address: 127.0.0.1:80\n  routes:\n  - {" + std::string(keys) +
         "}\n";
}

}  // namespace weir::config
