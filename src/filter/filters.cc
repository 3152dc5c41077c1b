#include <array>

#include "base/assert.h"
#include "filter/filter.h"

namespace weir::filter {

#define WEIR_FILTER(name, summary, ...)                                         \
  std::span<const config::OptionSpec> name##_options();                         \
  std::vector<config::OptionFault> name##_faults(const config::Choice& choice); \
  std::string_view name##_sample();                                             \
  std::shared_ptr<const Filter> make_##name(const config::Choice& choice, const Setting& setting);
#define WEIR_FILTER_WITH_FILES(name, ...)                                     \
  std::string name##_file_fault(std::string_view key, std::string_view text); \
  WEIR_FILTER(name, __VA_ARGS__)
#include "filter/filters.def"
#undef WEIR_FILTER

namespace {

struct Entry {
  std::string_view name;
  std::shared_ptr<const Filter> (*make)(const config::Choice&, const Setting&);
};

constexpr std::array kEntries{
#define WEIR_FILTER(name, summary, ...) Entry{#name, make_##name},
#include "filter/filters.def"
#undef WEIR_FILTER
};

}  // namespace

std::shared_ptr<const Filter> make_filter(const config::Choice& choice, const Setting& setting) {
  const Entry* found = nullptr;
  for (const Entry& entry : kEntries) {
    if (entry.name == choice.name) found = &entry;
  }
  WEIR_ASSERT(found != nullptr);
  return found->make(choice, setting);
}

std::span<const config::KindEntry> filters() {
  static const std::array kTable{
#define WEIR_FILTER_ENTRY(name, file_fault, summary, ...) \
  config::KindEntry{#name, summary, name##_options(), name##_faults, {__VA_ARGS__}, file_fault, name##_sample()},
#define WEIR_FILTER(name, ...) WEIR_FILTER_ENTRY(name, nullptr, __VA_ARGS__)
#define WEIR_FILTER_WITH_FILES(name, ...) WEIR_FILTER_ENTRY(name, name##_file_fault, __VA_ARGS__)
#include "filter/filters.def"
#undef WEIR_FILTER
#undef WEIR_FILTER_ENTRY
  };
  return kTable;
}

}  // namespace weir::filter
