#include "health/checker.h"

#include <array>

#include "base/assert.h"

namespace weir::health {

#define WEIR_CHECKER(name, summary)                               \
  std::span<const config::OptionSpec> name##_checker_options();   \
  std::string name##_checker_fault(const config::Choice& choice); \
  std::unique_ptr<Checker> make_##name##_checker(const config::Choice& choice);
#include "health/checkers.def"
#undef WEIR_CHECKER

namespace {

struct Entry {
  std::string_view name;
  std::string (*fault)(const config::Choice&);
  std::unique_ptr<Checker> (*make)(const config::Choice&);
};

constexpr std::array kEntries{
#define WEIR_CHECKER(name, summary) Entry{#name, name##_checker_fault, make_##name##_checker},
#include "health/checkers.def"
#undef WEIR_CHECKER
};

const Entry* find(std::string_view name) {
  for (const Entry& entry : kEntries) {
    if (entry.name == name) return &entry;
  }
  return nullptr;
}

}  // namespace

std::unique_ptr<Checker> make_checker(const config::Choice& choice) {
  const Entry* entry = find(choice.name);
  WEIR_ASSERT(entry != nullptr);
  return entry->make(choice);
}

std::span<const config::KindEntry> checkers() {
  static const std::array kTable{
#define WEIR_CHECKER(name, summary) config::KindEntry{#name, summary, name##_checker_options()},
#include "health/checkers.def"
#undef WEIR_CHECKER
  };
  return kTable;
}

std::string fault_of(const config::Choice& choice) {
  const Entry* entry = find(choice.name);
  return entry == nullptr ? std::string() : entry->fault(choice);
}

}  // namespace weir::health
