// Where a listener accepts: one address or several, each with a port or a range of ports.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/ip.h"
#include "config/config.h"

namespace weir::config {

// More sockets than that one listener does not open for a worker.
inline constexpr std::size_t kMaxListenSockets = 1024;

struct ListenAddress {
  base::IpAddress ip;  // for "*" the unspecified one
  bool every = false;  // "*": every address of both families
  std::uint16_t first_port = 0;
  std::uint16_t last_port = 0;

  // Whether a connection could come to both: to one address, or to all of a family and to one of it.
  bool overlaps(const ListenAddress& other) const;
};

// "10.0.0.1:80", "[::]:80", "*:80", "10.0.0.1:5000-5010", or several of them with commas between. Nothing when one of
// them is none, a range runs backwards, or there would be more than kMaxListenSockets.
std::optional<std::vector<ListenAddress>> parse_listen_addresses(std::string_view text);

// Whether one listener can go on with the listening sockets of the other: same addresses, and nothing that is said to
// the kernel about them differs, as their protocols have it.
bool same_sockets(const Listener& one, const Listener& other);

// The addresses to bind: "*" is one of each family. Empty when `text` is no such list.
std::vector<base::SocketAddress> socket_addresses(std::string_view text);
// Whether `address` is one of them for the sake of a "*", which means what the system has: it may have no IPv6.
bool is_of_every(std::string_view text, const base::SocketAddress& address);

}  // namespace weir::config
