#include <array>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "persist/method.h"

namespace weir::persist {

#define WEIR_METHOD(name, summary, ...)                                         \
  std::span<const config::OptionSpec> name##_options();                         \
  std::vector<config::OptionFault> name##_faults(const config::Choice& choice); \
  std::unique_ptr<Method> make_##name(const config::Choice& choice, const MethodSetting& setting);
#include "persist/methods.def"
#undef WEIR_METHOD

namespace {

struct Entry {
  std::string_view name;
  std::unique_ptr<Method> (*make)(const config::Choice&, const MethodSetting&);
};

constexpr std::array kEntries{
#define WEIR_METHOD(name, summary, ...) Entry{#name, make_##name},
#include "persist/methods.def"
#undef WEIR_METHOD
};

}  // namespace

std::unique_ptr<Method> make_method(const config::Choice& choice, const MethodSetting& setting) {
  const Entry* found = nullptr;
  for (const Entry& entry : kEntries) {
    if (entry.name == choice.name) found = &entry;
  }
  WEIR_ASSERT(found != nullptr);
  return found->make(choice, setting);
}

std::span<const config::KindEntry> methods() {
  static const std::array kTable{
#define WEIR_METHOD(name, summary, ...) \
  config::KindEntry{#name, summary, name##_options(), name##_faults, {__VA_ARGS__}},
#include "persist/methods.def"
#undef WEIR_METHOD
  };
  return kTable;
}

}  // namespace weir::persist
