#include <array>
#include <string_view>

#include "balance/hash_key.h"
#include "balance/strategy.h"
#include "base/assert.h"

namespace weir::balance {

using Make = std::unique_ptr<Strategy>(const config::Choice&, const pool::BackendSet&, const Strategy*);
using Options = std::span<const config::OptionSpec>();

#define WEIR_STRATEGY(name, summary, options, ...) \
  Make make_##name;                                \
  Options options;
#include "balance/strategies.def"
#undef WEIR_STRATEGY

std::span<const config::OptionSpec> no_options() { return {}; }

namespace {

struct Entry {
  std::string_view name;
  Make* make;
};

constexpr std::array kEntries{
#define WEIR_STRATEGY(name, summary, options, ...) Entry{#name, make_##name},
#include "balance/strategies.def"
#undef WEIR_STRATEGY
};

config::OptionFaults faults_of(const config::Choice& choice) {
  base::Checked<void> good = check_hash_key(choice);
  if (good) return {};
  return {{.key = hash_key_option().key, .message = std::move(good.error())}};
}

}  // namespace

std::unique_ptr<Strategy> make_strategy(const config::Choice& choice, const pool::BackendSet& backends,
                                        const Strategy* previous) {
  const Entry* found = nullptr;
  for (const Entry& entry : kEntries) {
    if (entry.name == choice.name) found = &entry;
  }
  WEIR_ASSERT(found != nullptr);
  return found->make(choice, backends, previous);
}

std::span<const config::KindEntry> strategies() {
  static const std::array kTable{
#define WEIR_STRATEGY(name, summary, options, ...) \
  config::KindEntry{#name, summary, options(), faults_of, {__VA_ARGS__}},
#include "balance/strategies.def"
#undef WEIR_STRATEGY
  };
  return kTable;
}

}  // namespace weir::balance
