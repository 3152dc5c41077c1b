#include "persist/sticky_cookie.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <openssl/crypto.h>
#include <sys/random.h>

#include "base/assert.h"

namespace weir::persist {
namespace {

constexpr std::size_t kIdentityDigits = 2 * std::tuple_size_v<Identity>;
constexpr std::size_t kExpiryDigits = 8;
constexpr std::size_t kTagDigits = 2 * std::tuple_size_v<Identity>;
constexpr std::size_t kSignedDigits = kIdentityDigits + kExpiryDigits;

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

std::optional<Identity> parse_bytes(std::string_view digits) {
  Identity bytes;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    int high = digit(digits[2 * i]);
    int low = digit(digits[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes[i] = static_cast<unsigned char>(high << 4 | low);
  }
  return bytes;
}

char* write_bytes(char* at, const Identity& bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (unsigned char byte : bytes) {
    *at++ = kDigits[byte >> 4];
    *at++ = kDigits[byte & 15];
  }
  return at;
}

std::optional<std::uint32_t> parse_expiry(std::string_view digits) {
  std::uint32_t value = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

Identity first_half(const HmacSha256::Code& code) {
  Identity half;
  std::copy_n(code.begin(), half.size(), half.begin());
  return half;
}

}  // namespace

StickyKey StickyKey::random() {
  StickyKey key;
  WEIR_ASSERT(getrandom(key.bytes.data(), key.bytes.size(), 0) == static_cast<ssize_t>(key.bytes.size()));
  return key;
}

// A name holds no zero byte, and the first byte tells these codes from those of tag().
Identity StickyCookies::identity(const pool::Backend& backend) const {
  constexpr std::string_view kZero("\0", 1);
  return first_half(mac_({"i", backend.pool_name(), kZero, backend.id()}));
}

Identity StickyCookies::tag(std::string_view signed_digits) const {
  return first_half(mac_({"t", signed_digits, pool_}));
}

std::int64_t StickyCookies::lifetime() const {
  return std::chrono::duration_cast<std::chrono::seconds>(options_.ttl).count();
}

std::optional<StickyCookies::Named> StickyCookies::read(const http::HeaderMap& headers,
                                                        std::int64_t unix_seconds) const {
  std::optional<std::string_view> value = http::find_cookie(headers, options_.name);
  if (!value || value->size() != kSignedDigits + kTagDigits) return std::nullopt;
  std::optional<Identity> named = parse_bytes(value->substr(0, kIdentityDigits));
  std::optional<std::uint32_t> expiry = parse_expiry(value->substr(kIdentityDigits, kExpiryDigits));
  std::optional<Identity> signature = parse_bytes(value->substr(kSignedDigits));
  if (!named || !expiry || !signature) return std::nullopt;
  Identity expected = tag(value->substr(0, kSignedDigits));
  if (CRYPTO_memcmp(expected.data(), signature->data(), expected.size()) != 0) return std::nullopt;
  std::int64_t left = std::int64_t{*expiry} - unix_seconds;
  if (left <= 0) return std::nullopt;
  bool is_due = !options_.absolute && left <= lifetime() - std::max<std::int64_t>(1, lifetime() / 10);
  return Named{.identity = *named, .is_due = is_due};
}

std::string_view StickyCookies::make(const pool::Backend& backend, bool over_tls, std::int64_t unix_seconds,
                                     base::Arena& arena) const {
  auto expiry = static_cast<std::uint32_t>(std::min<std::int64_t>(unix_seconds + lifetime(), UINT32_MAX));
  std::array<char, kSignedDigits + kTagDigits> value;
  char* end = write_bytes(value.data(), identity(backend));
  end = fmt::format_to(end, "{:08x}", expiry);
  write_bytes(end, tag({value.data(), kSignedDigits}));
  // Browsers take SameSite=None only of cookies that are Secure.
  bool secure = options_.secure.value_or(over_tls || options_.same_site == http::SameSite::none);
  http::SetCookie cookie{.name = options_.name,
                         .value = {value.data(), value.size()},
                         .path = options_.path,
                         .domain = options_.domain,
                         .max_age = std::chrono::seconds(lifetime()),
                         .secure = secure,
                         .same_site = options_.same_site};
  return http::format_set_cookie(cookie, arena);
}

StickyIndex::StickyIndex(const pool::BackendSet& backends, const StickyCookies& cookies) {
  by_identity_.reserve(backends.size());
  for (std::uint32_t i = 0; i < backends.size(); ++i) {
    by_identity_.emplace_back(cookies.identity(*backends[i].backend), i);
  }
  std::ranges::sort(by_identity_);
}

std::optional<std::uint32_t> StickyIndex::find(const Identity& wanted) const {
  auto found = std::ranges::lower_bound(by_identity_, wanted, {}, &std::pair<Identity, std::uint32_t>::first);
  if (found == by_identity_.end() || found->first != wanted) return std::nullopt;
  return found->second;
}

}  // namespace weir::persist
