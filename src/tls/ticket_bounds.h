// The limits of a session ticket, in time and server name: sealed into it beside the session.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "tls/library.h"

namespace weir::tls {

using NameDigest = std::array<unsigned char, 32>;

// Resuming proves the possession of the ticket only, and each resumption hands out a fresh one: without these a session
// would outlive the certificate that it was made with, and serve for other names than the one it was made for.
struct TicketBounds {
  std::int64_t handshake_at = 0;    // Unix time of the full handshake
  std::int64_t verified_until = 0;  // Unix time at which the client's chain ends; INT64_MAX when it has shown none
  NameDigest name{};                // digest_of() the name that was asked for

  static constexpr std::int64_t kLongestSeconds = 7 * 86'400;  // from the full handshake on (RFC 8446 4.6.1)
  static constexpr std::size_t kBytes = 1 + 8 + 8 + std::tuple_size_v<NameDigest>;

  // Seconds that the session may be resumed for from `now` on; zero or less: not any more.
  std::int64_t seconds_left(std::int64_t now) const;
  std::array<unsigned char, kBytes> encode() const;
  // Nothing when the bytes are not of encode().
  static std::optional<TicketBounds> decode(std::span<const unsigned char> bytes);
};

// The digest of a server name; names are compared without case and without a dot at the end.
NameDigest digest_of(std::string_view name);
// Unix time at which the first certificate of the chain that `ssl` has verified ends. INT64_MAX: the peer has shown
// none, or nothing was verified.
std::int64_t chain_ends(const SSL* ssl);
// The name that the client asks for (SNI), from within the callbacks that run while its hello is looked at: before
// OpenSSL itself has read it. Empty without, nothing when it is malformed.
std::optional<std::string_view> name_in_hello(SSL* ssl);

}  // namespace weir::tls
