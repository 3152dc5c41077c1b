// The option hash_key, which the strategies that hash share, and other small things that they have in common.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "balance/strategy.h"
#include "base/error.h"

namespace weir::balance {

// "client_address" | "header:NAME" | "cookie:NAME" | "path" | "query:NAME".
const config::OptionSpec& hash_key_option();

// Reads that text. A header's name comes out in lower case. Nothing when it is none of these forms, or when the name is
// empty or, for a header or cookie, no token (RFC 9110 5.6.2, RFC 6265 4.1.1).
std::optional<HashKeySource> parse_hash_key(std::string_view text);

// hash_key of `choice`, or the client address where it is missing or wrong.
HashKeySource hash_key_of(const config::Choice& choice);
base::Checked<void> check_hash_key(const config::Choice& choice);

using config::option_or_default;

// A number that stands for the backend by its id: the same in every Weir and after every change of configuration.
inline std::uint64_t identity(const pool::Backend& backend) { return base::hash_text(backend.id()); }

// The hash of attempt number `attempt` for one key. Mixed so that a hash that spreads badly does no harm.
inline std::uint64_t rehash(std::uint64_t key_hash, std::uint64_t attempt) {
  return base::mix(key_hash + (attempt + 1) * 0x9e3779b97f4a7c15u);
}

// `hash` scaled to [0, bound).
inline std::uint64_t scale(std::uint64_t hash, std::uint64_t bound) {
  return static_cast<std::uint64_t>((static_cast<unsigned __int128>(hash) * bound) >> 64);
}

}  // namespace weir::balance
