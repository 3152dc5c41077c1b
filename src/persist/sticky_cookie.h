// Stickiness by a signed cookie: a client that brings it goes to the backend it names for as long as that takes new
// work.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/arena.h"
#include "base/hash.h"
#include "config/config.h"
#include "http/message.h"
#include "pool/backend.h"

namespace weir::persist {

// The name of the cookie that keeps clients of such a pool.
inline std::string_view cookie_name(const config::Sticky& sticky) {
  return sticky.name.empty() ? std::string_view("SERVERID") : sticky.name;
}

// Which of a set's backends an identity names. Immutable; built with the set.
class StickyIndex {
 public:
  StickyIndex() = default;
  explicit StickyIndex(const pool::BackendSet& backends);
  // The index in the set, or nothing when that backend is not in it.
  std::optional<std::uint32_t> find(std::uint64_t identity) const;

 private:
  std::vector<std::pair<std::uint64_t, std::uint32_t>> by_identity_;  // sorted
};

// Names a backend without saying anything about it: of pool and id.
std::uint64_t identity(const pool::Backend& backend);

// Writes and reads the cookie's value: identity and expiry, and a SipHash-1-3 tag over both and the pool's name, in 40
// hexadecimal digits. Without the key nobody can choose a backend or prolong the cookie. Immutable, any thread.
class StickyCookies {
 public:
  explicit StickyCookies(const base::HashKey& key) : key_(key) {}

  // The identity that the request's cookie names, if it is signed for this pool and has not expired.
  std::optional<std::uint64_t> read(const http::HeaderMap& headers, const config::Pool& pool,
                                    std::int64_t unix_seconds) const;
  // The value of a Set-Cookie field, in `arena`.
  std::string_view make(const pool::Backend& backend, const config::Pool& pool, std::int64_t unix_seconds,
                        base::Arena& arena) const;

 private:
  std::uint64_t tag(std::string_view signed_digits, std::string_view pool_name) const;
  base::HashKey key_;
};

}  // namespace weir::persist
