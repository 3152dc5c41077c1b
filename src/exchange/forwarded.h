// X-Forwarded-For, -Proto and -Host: who the client is, and what backends are told about it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/arena.h"
#include "base/ip.h"
#include "config/config.h"
#include "http/message.h"
#include "route/table.h"

namespace weir::exchange {

// A longer X-Forwarded-For is cut at its left, the end that is least to be believed, to whole entries within this.
inline constexpr std::size_t kMaxForwardedForBytes = 1024;
// So many entries are looked at, from the right, for the client's address.
inline constexpr std::size_t kMaxForwardedHops = 64;

// True when `peer` is in one of the blocks: ask once per connection.
bool is_trusted(const base::IpAddress& peer, std::span<const base::Cidr> trusted);

// The address in text, in the arena.
std::string_view address_text(const base::IpAddress& address, base::Arena& arena);
std::string_view port_text(std::uint16_t port, base::Arena& arena);

// The fields of a request to the backend, and who it is from. Views live in the request or the arena.
struct Forwarded {
  // The address that routing by client, ip_hash and logs use: the peer, or behind trusted peers the first address from
  // the right of X-Forwarded-For that is not trusted itself. The walk ends at an entry that is no address ("unknown").
  base::IpAddress client;
  std::string_view forwarded_for;    // X-Forwarded-For: the peer, after what a trusted peer said
  std::string_view forwarded_proto;  // X-Forwarded-Proto: `scheme`, or what a trusted peer said, in lower case
  std::string_view forwarded_host;   // X-Forwarded-Host: the request's authority, or what a trusted peer said; may be
                                     // empty: none is to be written
  std::string_view forwarded_port;   // X-Forwarded-Port of a trusted peer; empty: it said none
};

// `peer` is the other end of the connection, `peer_trusted` what is_trusted() said of it, `scheme` that of the
// connection. An untrusted peer's fields are not looked at.
Forwarded forwarded(const http::RequestHead& request, const base::IpAddress& peer, bool peer_trusted,
                    std::string_view scheme, std::span<const base::Cidr> trusted, base::Arena& arena);

// The route that takes the request, or route::kNoRoute. What a trusted proxy took by https is not redirected to https.
std::uint32_t route_of(const config::Listener& listener, const route::Table& routes, const http::RequestHead& request,
                       const Forwarded& forwarded, base::Arena& arena);

// True for received fields, whose names Weir knows, that must not be copied to the backend: the three, which are
// written anew, and of an untrusted peer also Forwarded (RFC 7239), whose word would otherwise stand unchecked. For
// other names there are http::is_said_by_proxies() and http::speaks_for_proxies().
inline bool replaces(http::HeaderId id, bool peer_trusted) {
  using enum http::HeaderId;
  return id == x_forwarded_for || id == x_forwarded_proto || id == x_forwarded_host ||
         (id == forwarded && !peer_trusted);
}

}  // namespace weir::exchange
