#include "persist/sticky_cookie.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <fmt/format.h>

#include "http/cookie.h"

namespace weir::persist {
namespace {

constexpr std::size_t kIdentityDigits = 16;
constexpr std::size_t kExpiryDigits = 8;
constexpr std::size_t kTagDigits = 16;
constexpr std::size_t kSignedDigits = kIdentityDigits + kExpiryDigits;
constexpr std::size_t kMaxPoolNameBytes = 200;

std::optional<std::uint64_t> parse_hex(std::string_view digits) {
  std::uint64_t value = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

}  // namespace

std::uint64_t identity(const pool::Backend& backend) {
  return base::hash_text(backend.id(), base::hash_text(backend.pool_name()));
}

StickyIndex::StickyIndex(const pool::BackendSet& backends) {
  by_identity_.reserve(backends.size());
  for (std::uint32_t i = 0; i < backends.size(); ++i) by_identity_.emplace_back(identity(*backends[i].backend), i);
  std::ranges::sort(by_identity_);
}

std::optional<std::uint32_t> StickyIndex::find(std::uint64_t wanted) const {
  auto found = std::ranges::lower_bound(by_identity_, wanted, {}, &std::pair<std::uint64_t, std::uint32_t>::first);
  if (found == by_identity_.end() || found->first != wanted) return std::nullopt;
  return found->second;
}

std::uint64_t StickyCookies::tag(std::string_view signed_digits, std::string_view pool_name) const {
  std::array<char, kSignedDigits + kMaxPoolNameBytes> text;
  auto end = std::ranges::copy(signed_digits, text.begin()).out;
  end = std::ranges::copy(pool_name.substr(0, kMaxPoolNameBytes), end).out;
  return base::keyed_hash(key_, {text.data(), static_cast<std::size_t>(end - text.begin())});
}

std::optional<std::uint64_t> StickyCookies::read(const http::HeaderMap& headers, const config::Pool& pool,
                                                 std::int64_t unix_seconds) const {
  std::optional<std::string_view> value = http::find_cookie(headers, cookie_name(pool.sticky));
  if (!value || value->size() != kSignedDigits + kTagDigits) return std::nullopt;
  std::optional<std::uint64_t> named = parse_hex(value->substr(0, kIdentityDigits));
  std::optional<std::uint64_t> expiry = parse_hex(value->substr(kIdentityDigits, kExpiryDigits));
  std::optional<std::uint64_t> signature = parse_hex(value->substr(kSignedDigits));
  if (!named || !expiry || !signature) return std::nullopt;
  // One comparison of whole words: its time says nothing about where the tags differ.
  if (tag(value->substr(0, kSignedDigits), pool.name) != *signature) return std::nullopt;
  if (static_cast<std::int64_t>(*expiry) <= unix_seconds) return std::nullopt;
  return named;
}

std::string_view StickyCookies::make(const pool::Backend& backend, const config::Pool& pool, std::int64_t unix_seconds,
                                     base::Arena& arena) const {
  auto lifetime = std::chrono::duration_cast<std::chrono::seconds>(pool.sticky.ttl);
  auto expiry = static_cast<std::uint32_t>(std::min<std::int64_t>(unix_seconds + lifetime.count(), UINT32_MAX));
  std::array<char, kSignedDigits + kTagDigits + 1> value;
  char* end = fmt::format_to(value.data(), "{:016x}{:08x}", identity(backend), expiry);
  std::string_view signed_digits(value.data(), kSignedDigits);
  end = fmt::format_to(end, "{:016x}", tag(signed_digits, pool.name));
  http::SetCookie cookie{.name = cookie_name(pool.sticky),
                         .value = {value.data(), static_cast<std::size_t>(end - value.data())},
                         .max_age = lifetime};
  return http::format_set_cookie(cookie, arena);
}

}  // namespace weir::persist
