#include "health/checker.h"

#include <array>
#include <fmt/format.h>
#include <utility>

#include "base/assert.h"

namespace weir::health {

#define WEIR_CHECKER(name, summary, ...)                                                \
  std::span<const config::OptionSpec> name##_checker_options();                         \
  std::vector<config::OptionFault> name##_checker_faults(const config::Choice& choice); \
  std::unique_ptr<Checker> make_##name##_checker(const config::Choice& choice);
#include "health/checkers.def"
#undef WEIR_CHECKER

namespace {

struct Entry {
  std::string_view name;
  std::vector<config::OptionFault> (*faults)(const config::Choice&);
  std::unique_ptr<Checker> (*make)(const config::Choice&);
};

constexpr std::array kEntries{
#define WEIR_CHECKER(name, summary, ...) Entry{#name, name##_checker_faults, make_##name##_checker},
#include "health/checkers.def"
#undef WEIR_CHECKER
};

const Entry* find(std::string_view name) {
  for (const Entry& entry : kEntries) {
    if (entry.name == name) return &entry;
  }
  return nullptr;
}

// Stands in where the options of a pool got past validation and are wrong.
class MisconfiguredChecker final : public Checker {
 public:
  explicit MisconfiguredChecker(std::string why) : why_(std::move(why)) {}
  net::Task<CheckResult> check(CheckTarget) override { co_return CheckResult{.ok = false, .latency{0}, .error = why_}; }

 private:
  std::string why_;
};

}  // namespace

std::unique_ptr<Checker> make_checker(const config::Choice& choice) {
  const Entry* entry = find(choice.name);
  WEIR_ASSERT(entry != nullptr);
  std::vector<config::OptionFault> faults = entry->faults(choice);
  if (faults.empty()) return entry->make(choice);
  return std::make_unique<MisconfiguredChecker>(
      fmt::format("health_check: {}: {}", faults.front().key, faults.front().message));
}

std::span<const config::KindEntry> checkers() {
  static const std::array kTable{
#define WEIR_CHECKER(name, summary, ...) \
  config::KindEntry{#name, summary, name##_checker_options(), name##_checker_faults, {__VA_ARGS__}},
#include "health/checkers.def"
#undef WEIR_CHECKER
  };
  return kTable;
}

std::vector<config::OptionFault> faults_of(const config::Choice& choice) {
  const Entry* entry = find(choice.name);
  return entry == nullptr ? std::vector<config::OptionFault>() : entry->faults(choice);
}

}  // namespace weir::health
