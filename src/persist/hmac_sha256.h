// HMAC-SHA-256 (RFC 2104, FIPS 180-4) under a key that is used many times.
#pragma once

#include <array>
#include <cstddef>
#include <initializer_list>
#include <openssl/sha.h>
#include <span>
#include <string_view>

#include "base/cleanse.h"

namespace weir::persist {

// The states of both hashes behind the key are kept: a code costs two or three blocks, no lock and no allocation, which
// OpenSSL's EVP_MAC would. Immutable, any thread; leaves nothing of the key in memory.
class HmacSha256 {
 public:
  using Code = std::array<unsigned char, SHA256_DIGEST_LENGTH>;

  // At most a block of 64 bytes; shorter keys are filled with zeros (RFC 2104 2).
  explicit HmacSha256(std::span<const unsigned char> key);
  HmacSha256(const HmacSha256&) = default;
  HmacSha256& operator=(const HmacSha256&) = default;
  ~HmacSha256() {
    base::cleanse(&inner_, sizeof inner_);
    base::cleanse(&outer_, sizeof outer_);
  }

  // The code of the parts, one behind the other.
  Code operator()(std::initializer_list<std::string_view> parts) const;

 private:
  SHA256_CTX inner_;
  SHA256_CTX outer_;
};

}  // namespace weir::persist
