// The values that every part of the configuration is made of.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace weir::config {

using Duration = std::chrono::milliseconds;

// Where an object was written. Objects made through the API have file "api" and no line.
struct Origin {
  std::string file;
  int line = 0;
  int column = 0;
  bool from_api() const { return file == "api"; }
  friend bool operator==(const Origin&, const Origin&) = default;
};

// A registered thing (strategy, checker, store) chosen by name, with the options it declares in its table entry.
using OptionValue = std::variant<bool, std::int64_t, double, std::string, Duration, std::vector<std::string>,
                                 std::map<std::string, std::string>>;
struct Choice {
  std::string name;
  std::map<std::string, OptionValue>
      options;  // every declared option as written, or its default, unless it is optional
  friend bool operator==(const Choice&, const Choice&) = default;
};

// The setting of one filter, of a listener or route.
struct FilterSetting {
  std::string name;             // of filters.def
  std::vector<Choice> choices;  // more than one only where the filter may be there several times; none: `off`
  friend bool operator==(const FilterSetting&, const FilterSetting&) = default;
};
// In the order of filters.def, each name once.
struct Filters {
  std::vector<FilterSetting> settings;
  const FilterSetting* find(std::string_view name) const {
    for (const FilterSetting& setting : settings) {
      if (setting.name == name) return &setting;
    }
    return nullptr;
  }
  friend bool operator==(const Filters&, const Filters&) = default;
};

}  // namespace weir::config
