// How a registered kind of thing (strategy, checker, store) describes its entries to everything that must know them by
// name: the configuration reader, the API schema, `weir help` and the dashboard. Each kind's <kind>s.def yields one
// such table.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"

namespace weir::config {

enum class OptionType { boolean, integer, number, text, duration, text_list, text_map };

// One option of an entry. min and max hold for integer and number, and in milliseconds for duration.
struct OptionSpec {
  std::string_view key;
  OptionType type;
  OptionValue default_value;
  double min = 0;
  double max = 1e18;
  std::string_view summary;
  std::span<const std::string_view> allowed = {};  // for text: the only values; empty: any
  bool is_path = false;                            // for text: of a file, relative to the configuration's own
};

// What is wrong with one option beyond its type and range.
struct OptionFault {
  std::string_view key;  // of an OptionSpec
  std::string message;   // "'20x' is no status"
};

struct KindEntry {
  std::string_view name;
  std::string_view summary;
  std::span<const OptionSpec> options;
  // Every fault of the options of a choice of this entry; null when types and ranges say all.
  std::vector<OptionFault> (*faults)(const Choice& choice) = nullptr;
  bool ignores_weights = false;  // of a strategy
};

// All kinds, as the program that reads a configuration knows them. Views into constant tables.
struct Kinds {
  std::span<const KindEntry> strategies;
  std::span<const KindEntry> checkers;
  std::span<const KindEntry> stores;
};

// The option's value in `choice`; T is one of the alternatives of OptionValue. Asserts that it is declared.
template <typename T>
const T& option(const Choice& choice, std::string_view key) {
  return std::get<T>(choice.options.at(std::string(key)));
}

}  // namespace weir::config
