// Stickiness by a signed cookie: a client that brings it goes to the backend it names for as long as that takes new
// work.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/arena.h"
#include "base/cleanse.h"
#include "config/config.h"
#include "http/message.h"
#include "persist/hmac_sha256.h"
#include "pool/backend.h"

namespace weir::persist {

// What sticky cookies are signed with. All zero: none is needed.
struct StickyKey {
  std::array<unsigned char, 32> bytes{};
  StickyKey() = default;
  StickyKey(const StickyKey&) = default;
  StickyKey& operator=(const StickyKey&) = default;
  ~StickyKey() { base::cleanse(bytes.data(), bytes.size()); }
  static StickyKey random();
  friend bool operator==(const StickyKey&, const StickyKey&) = default;
};

// The name of the cookie that keeps clients of such a pool.
inline std::string_view cookie_name(const config::Sticky& sticky) {
  return sticky.name.empty() ? std::string_view("SERVERID") : sticky.name;
}

// Stands for a backend without saying anything about it: 128 bits of pool and id under the key.
using Identity = std::array<unsigned char, 16>;

// Writes and reads the cookie's value: identity and expiry, and a tag over both and the pool's name, 128 bits of
// HMAC-SHA-256, in 72 hexadecimal digits. Without the key nobody can choose or recognize a backend or prolong the
// cookie. Immutable, any thread.
class StickyCookies {
 public:
  explicit StickyCookies(const StickyKey& key) : mac_(key.bytes) {}

  Identity identity(const pool::Backend& backend) const;

  struct Named {
    Identity identity;
    // Enough of its time has passed that the client should be given a new one: a tenth, so that few responses carry a
    // cookie. Never where the lifetime is absolute.
    bool is_due = false;
  };
  // What the request's cookie names, if it is signed for this pool and has not expired.
  std::optional<Named> read(const http::HeaderMap& headers, const config::Pool& pool, std::int64_t unix_seconds) const;
  // The value of a Set-Cookie field, in `arena`. `over_tls`: the listener speaks TLS.
  std::string_view make(const pool::Backend& backend, const config::Pool& pool, bool over_tls,
                        std::int64_t unix_seconds, base::Arena& arena) const;

 private:
  Identity tag(std::string_view signed_digits, std::string_view pool_name) const;
  HmacSha256 mac_;
};

// Which of a set's backends an identity names. Immutable; built with the set, for one key.
class StickyIndex {
 public:
  StickyIndex() = default;
  StickyIndex(const pool::BackendSet& backends, const StickyCookies& cookies);
  // The index in the set, or nothing when that backend is not in it.
  std::optional<std::uint32_t> find(const Identity& identity) const;

 private:
  std::vector<std::pair<Identity, std::uint32_t>> by_identity_;  // sorted
};

}  // namespace weir::persist
