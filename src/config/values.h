// The values that every part of the configuration is made of.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
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

}  // namespace weir::config
