#include "persist/hmac_sha256.h"

#include <algorithm>

#include "base/assert.h"

// OpenSSL's functions on a bare state: deprecated in favour of EVP, which fetches, locks and allocates.
#pragma clang diagnostic ignored "-Wdeprecated-declarations"

namespace weir::persist {

HmacSha256::HmacSha256(std::span<const unsigned char> key) {
  WEIR_ASSERT(key.size() <= SHA256_CBLOCK);
  constexpr unsigned char kInner = 0x36;
  constexpr unsigned char kOuter = 0x5c;
  std::array<unsigned char, SHA256_CBLOCK> block{};
  for (auto [state, pad] : {std::pair(&inner_, kInner), std::pair(&outer_, kOuter)}) {
    block.fill(pad);
    for (std::size_t i = 0; i < key.size(); ++i) block[i] = static_cast<unsigned char>(block[i] ^ key[i]);
    SHA256_Init(state);
    SHA256_Update(state, block.data(), block.size());
  }
  base::cleanse(block.data(), block.size());
}

HmacSha256::Code HmacSha256::operator()(std::initializer_list<std::string_view> parts) const {
  Code code;
  SHA256_CTX state = inner_;
  for (std::string_view part : parts) SHA256_Update(&state, part.data(), part.size());
  SHA256_Final(code.data(), &state);
  state = outer_;
  SHA256_Update(&state, code.data(), code.size());
  SHA256_Final(code.data(), &state);
  return code;
}

}  // namespace weir::persist
