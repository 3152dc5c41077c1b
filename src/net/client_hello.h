// The first message of a TLS client, read without decrypting anything: which server it wants.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace weir::net {

// A longer message is refused; those with post-quantum keys have about 2 KB.
inline constexpr std::size_t kMaxClientHelloBytes = 16 * 1024;

struct ClientHello {
  enum class State : std::uint8_t { incomplete, complete, invalid } state = State::incomplete;
  std::string server_name = {};        // SNI in lower case, without a dot at its end (RFC 6066 3); empty: none
  std::vector<std::string> alpn = {};  // in the client's order (RFC 7301 3.1)
  const char* what = "";               // of an invalid one: which rule was broken
};

// `bytes` are what the client has sent so far, from its first byte on. The message may be spread over several records
// (RFC 8446 5.1).
ClientHello parse_client_hello(std::string_view bytes);

}  // namespace weir::net
