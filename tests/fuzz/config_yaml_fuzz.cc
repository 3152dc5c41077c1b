// Any text either is a configuration, which then reads back from its own JSON to the same value, or has faults.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "config/json.h"
#include "config/kinds.h"
#include "config/read.h"

namespace {

using namespace weir::config;

constexpr std::array<std::string_view, 2> kMethods{"GET", "HEAD"};

// Every type of option, so that each way of reading one is reached.
const Kinds& kinds() {
  static const std::array<OptionSpec, 7> kOptions{{
      {.key = "path", .type = OptionType::text, .default_value = std::string("/"), .summary = ""},
      {.key = "method",
       .type = OptionType::text,
       .default_value = std::string("GET"),
       .summary = "",
       .allowed = kMethods},
      {.key = "replicas", .type = OptionType::integer, .default_value = std::int64_t{1}, .max = 9, .summary = ""},
      {.key = "load_factor", .type = OptionType::number, .default_value = 1.5, .max = 9, .summary = ""},
      {.key = "bounded", .type = OptionType::boolean, .default_value = true, .summary = ""},
      {.key = "expected_status",
       .type = OptionType::text_list,
       .default_value = std::vector<std::string>{},
       .summary = ""},
      {.key = "headers",
       .type = OptionType::text_map,
       .default_value = std::map<std::string, std::string>{},
       .summary = ""},
  }};
  static const std::array<KindEntry, 3> kStrategies{{{.name = "round_robin", .summary = "", .options = {}},
                                                     {.name = "weighted_round_robin", .summary = "", .options = {}},
                                                     {.name = "consistent_hash", .summary = "", .options = kOptions}}};
  static const std::array<KindEntry, 2> kCheckers{
      {{.name = "http", .summary = "", .options = kOptions}, {.name = "tcp", .summary = "", .options = {}}}};
  static const std::array<KindEntry, 2> kStores{
      {{.name = "memory", .summary = "", .options = {}}, {.name = "sqlite", .summary = "", .options = kOptions}}};
  static const std::array<KindEntry, 2> kPersistMethods{
      {{.name = "cookie", .summary = "", .options = kOptions}, {.name = "source_ip", .summary = "", .options = {}}}};
  static const std::array<Kind, 4> kTable{{{"strategies", "", "", "", kStrategies},
                                           {"checkers", "", "", "", kCheckers},
                                           {"methods", "", "", "", kPersistMethods},
                                           {"stores", "", "", "", kStores}}};
  static const Kinds kAll(kTable);
  return kAll;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto config = read_yaml(text, "fuzz.yaml", kinds());
  if (!config) {
    if (config.error().empty()) std::abort();
    for (const Fault& fault : config.error()) {
      if (fault.message.empty() || format(fault).empty()) std::abort();
    }
    return 0;
  }
  std::string json = to_json(*config);
  auto again = read_yaml(json, "again.json", kinds());
  if (!again || to_json(*again) != json) std::abort();
  return 0;
}
