// The PROXY protocol, versions 1 and 2: who the client of a connection is, told by a proxy in front of the first byte.
// Source: "The PROXY protocol, versions 1 & 2", HAProxy Technologies, 2020.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/ip.h"

namespace weir::net {

// A longer header is refused. Version 1 has at most 107 bytes; version 2 allows more than anybody sends.
inline constexpr std::size_t kMaxProxyHeaderBytes = 2048;

struct ProxyHeader {
  // absent: what is there begins no header. incomplete: it may, once more has come.
  enum class State : std::uint8_t { incomplete, complete, absent, invalid } state = State::incomplete;
  std::size_t bytes = 0;  // of a complete one
  // Nothing when the proxy speaks for itself (LOCAL) or does not know (UNKNOWN, AF_UNSPEC, a Unix socket, UDP).
  std::optional<base::SocketAddress> source = {};
  std::optional<base::SocketAddress> destination = {};
  const char* what = "";  // of an invalid one: which rule was broken
};
ProxyHeader parse_proxy_header(std::string_view bytes);

// The facts about a client that a header carries. Empty views are left out, as are those longer than 255 bytes.
struct ProxyClient {
  base::SocketAddress source = {};
  base::SocketAddress destination = {};
  std::string_view alpn = {};
  std::string_view server_name = {};  // SNI
  std::string_view unique_id = {};    // at most 128 bytes count
  bool tls = false;                   // the next four are of its session
  std::string_view tls_version = {};
  std::string_view tls_cipher = {};
  bool certificate_verified = false;       // the client has shown a certificate, and it was verified
  std::string_view certificate_name = {};  // its common name
};
// Version 1 tells the addresses only. Addresses of different families are both written as IPv6.
std::string proxy_header_v1(const ProxyClient& client);
// With `checksum` its last field is the CRC32c of the header.
std::string proxy_header_v2(const ProxyClient& client, bool checksum = false);
// Version 2 of a connection that the proxy makes for itself, like a health check (2.2: LOCAL).
std::string proxy_header_local(bool checksum = false);

}  // namespace weir::net
