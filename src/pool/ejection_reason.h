// Why backends are ejected, in one word: the same in log, events, metrics and API.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace weir::pool {

enum class EjectionReason : std::uint8_t {
#define WEIR_EJECTION_REASON(word, meaning) word,
#include "pool/ejection_reasons.def"
#undef WEIR_EJECTION_REASON
};

inline constexpr auto kEjectionReasons = std::to_array<std::string_view>({
#define WEIR_EJECTION_REASON(word, meaning) #word,
#include "pool/ejection_reasons.def"
#undef WEIR_EJECTION_REASON
});

constexpr std::string_view word(EjectionReason reason) { return kEjectionReasons[static_cast<std::size_t>(reason)]; }

}  // namespace weir::pool
