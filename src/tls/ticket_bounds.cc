#include "tls/ticket_bounds.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <openssl/sha.h>
#include <openssl/x509.h>

#include "base/text.h"
#include "tls/certificate.h"

namespace weir::tls {
namespace {

constexpr unsigned char kVersion = 1;

std::size_t number(const unsigned char* bytes) { return std::size_t{bytes[0]} << 8 | bytes[1]; }

}  // namespace

std::int64_t TicketBounds::seconds_left(std::int64_t now) const {
  return std::min(verified_until - now, handshake_at + kLongestSeconds - now);
}

std::array<unsigned char, TicketBounds::kBytes> TicketBounds::encode() const {
  std::array<unsigned char, kBytes> bytes;
  unsigned char* at = bytes.data();
  *at++ = kVersion;
  for (std::int64_t value : {handshake_at, verified_until}) {
    for (int shift = 56; shift >= 0; shift -= 8) {
      *at++ = static_cast<unsigned char>(static_cast<std::uint64_t>(value) >> shift);
    }
  }
  std::ranges::copy(name, at);
  return bytes;
}

std::optional<TicketBounds> TicketBounds::decode(std::span<const unsigned char> bytes) {
  if (bytes.size() != kBytes || bytes[0] != kVersion) return std::nullopt;
  TicketBounds bounds;
  const unsigned char* at = bytes.data() + 1;
  for (std::int64_t* value : {&bounds.handshake_at, &bounds.verified_until}) {
    std::uint64_t read = 0;
    for (int i = 0; i < 8; ++i) read = read << 8 | *at++;
    *value = static_cast<std::int64_t>(read);
  }
  std::memcpy(bounds.name.data(), at, bounds.name.size());
  return bounds;
}

NameDigest digest_of(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  std::string lower = base::to_lower(name);
  NameDigest digest;
  SHA256(reinterpret_cast<const unsigned char*>(lower.data()), lower.size(), digest.data());
  return digest;
}

std::int64_t chain_ends(const SSL* ssl) {
  std::int64_t ends = std::numeric_limits<std::int64_t>::max();
  const STACK_OF(X509)* chain = SSL_get0_verified_chain(ssl);
  for (int i = 0; i < sk_X509_num(chain); ++i) {
    ends = std::min(ends, unix_time(X509_get0_notAfter(sk_X509_value(chain, i))));
  }
  return ends;
}

std::optional<std::string_view> name_in_hello(SSL* ssl) {
  const unsigned char* bytes = nullptr;
  std::size_t count = 0;
  if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &bytes, &count) != 1) return "";
  // RFC 6066 3: the length of a list that has one entry, its type, the length of the name, and the name.
  constexpr std::size_t kBefore = 5;
  if (count < kBefore || number(bytes) != count - 2 || bytes[2] != TLSEXT_NAMETYPE_host_name) return std::nullopt;
  if (number(bytes + 3) != count - kBefore) return std::nullopt;
  return std::string_view(reinterpret_cast<const char*>(bytes) + kBefore, count - kBefore);
}

}  // namespace weir::tls
