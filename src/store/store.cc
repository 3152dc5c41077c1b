#include "store/store.h"

#include <array>

#include "base/assert.h"

namespace weir::store {

#define WEIR_STORE(name, summary)                             \
  std::span<const config::OptionSpec> name##_store_options(); \
  Result<std::unique_ptr<Store>> open_##name##_store(const config::Choice&);
#include "store/stores.def"
#undef WEIR_STORE

namespace {

struct Entry {
  std::string_view name;
  Result<std::unique_ptr<Store>> (*open)(const config::Choice&);
};

constexpr Entry kEntries[] = {
#define WEIR_STORE(name, summary) {#name, open_##name##_store},
#include "store/stores.def"
#undef WEIR_STORE
};

}  // namespace

std::span<const config::KindEntry> stores() {
  static const std::array<config::KindEntry, std::size(kEntries)> table = {{
#define WEIR_STORE(name, summary) {#name, summary, name##_store_options()},
#include "store/stores.def"
#undef WEIR_STORE
  }};
  return table;
}

Result<std::unique_ptr<Store>> open_store(const config::Choice& choice) {
  for (const Entry& entry : kEntries) {
    if (entry.name == choice.name) return entry.open(choice);
  }
  WEIR_ASSERT(false && "a store of this name");
  return {};
}

}  // namespace weir::store
