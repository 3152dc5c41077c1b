// Stickiness by a signed cookie: a client that brings it goes to the backend it names for as long as that takes new
// work.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/arena.h"
#include "config/values.h"
#include "http/cookie.h"
#include "http/message.h"
#include "persist/hmac_sha256.h"
#include "persist/sticky_key.h"
#include "pool/backend.h"

namespace weir::persist {

// A pool's cookie, as its configuration has it.
struct CookieOptions {
  std::string name = "SERVERID";
  config::Duration ttl = std::chrono::hours(1);
  bool absolute = false;       // `ttl` counts from the first response on, not from the client's last request
  std::optional<bool> secure;  // not there: where the listener speaks TLS
  http::SameSite same_site = http::SameSite::lax;
  std::string domain;  // empty: only the host that answered
  std::string path = "/";
};

// Stands for a backend without saying anything about it: 128 bits of pool and id under the key.
using Identity = std::array<unsigned char, 16>;

// Writes and reads the value of one pool's cookie: identity and expiry, and a tag over both and the pool's name, 128
// bits of HMAC-SHA-256, in 72 hexadecimal digits. Without the key nobody can choose or recognize a backend or prolong
// the cookie. Immutable, any thread.
class StickyCookies {
 public:
  StickyCookies(const StickyKey& key, std::string_view pool, CookieOptions options)
      : mac_(key.bytes), pool_(pool), options_(std::move(options)) {}

  const std::string& name() const { return options_.name; }
  Identity identity(const pool::Backend& backend) const;

  struct Named {
    Identity identity;
    // Enough of its time has passed that the client should be given a new one: a tenth, so that few responses carry a
    // cookie. Never where the lifetime is absolute.
    bool is_due = false;
  };
  // The backend that the request's cookie names, if it is signed for this pool and has not expired.
  std::optional<Named> read(const http::HeaderMap& headers, std::int64_t unix_seconds) const;
  // The value of a Set-Cookie field, in `arena`. `over_tls`: the listener speaks TLS.
  std::string_view make(const pool::Backend& backend, bool over_tls, std::int64_t unix_seconds,
                        base::Arena& arena) const;

 private:
  Identity tag(std::string_view signed_digits) const;
  std::int64_t lifetime() const;

  HmacSha256 mac_;
  std::string pool_;
  CookieOptions options_;
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
