#include "config/listen_address.h"

#include <algorithm>
#include <string>

#include "base/text.h"

namespace weir::config {
namespace {

std::optional<ListenAddress> parse_one(std::string_view text) {
  std::size_t colon = text.rfind(':');
  if (colon == text.npos) return std::nullopt;
  std::string_view ports = text.substr(colon + 1);
  std::size_t dash = ports.find('-');
  auto first = base::parse_unsigned(ports.substr(0, dash), 65535);
  auto last = dash == ports.npos ? first : base::parse_unsigned(ports.substr(dash + 1), 65535);
  bool is_range = dash != ports.npos;
  if (!first || !last || *last < *first || (is_range && *first == 0)) return std::nullopt;
  ListenAddress parsed{
      .ip = {}, .first_port = static_cast<std::uint16_t>(*first), .last_port = static_cast<std::uint16_t>(*last)};
  if (text.substr(0, colon) == "*") {
    parsed.every = true;
    return parsed;
  }
  auto address = base::SocketAddress::parse(std::string(text.substr(0, colon + 1)) + "0");
  if (!address) return std::nullopt;
  parsed.ip = address->ip;
  return parsed;
}

}  // namespace

bool ListenAddress::overlaps(const ListenAddress& other) const {
  if (last_port < other.first_port || other.last_port < first_port) return false;
  if (every || other.every) return true;
  if (ip.is_v6() != other.ip.is_v6()) return false;
  return ip == other.ip || ip.is_unspecified() || other.ip.is_unspecified();
}

std::optional<std::vector<ListenAddress>> parse_listen_addresses(std::string_view text) {
  std::vector<ListenAddress> parsed;
  std::size_t sockets = 0;
  while (true) {
    std::size_t comma = text.find(',');
    auto one = parse_one(text.substr(0, comma));
    if (!one) return std::nullopt;
    sockets += (one->every ? 2u : 1u) * (std::size_t{one->last_port} - one->first_port + 1);
    parsed.push_back(*one);
    if (comma == text.npos) break;
    text.remove_prefix(comma + 1);
  }
  return sockets <= kMaxListenSockets ? std::optional(std::move(parsed)) : std::nullopt;
}

std::vector<base::SocketAddress> socket_addresses(std::string_view text) {
  std::vector<base::SocketAddress> addresses;
  auto parsed = parse_listen_addresses(text);
  if (!parsed) return addresses;
  for (const ListenAddress& one : *parsed) {
    for (std::uint32_t port = one.first_port; port <= one.last_port; ++port) {
      addresses.push_back({one.ip, static_cast<std::uint16_t>(port)});
      if (one.every) addresses.push_back({base::IpAddress::v6({}), static_cast<std::uint16_t>(port)});
    }
  }
  return addresses;
}

bool is_of_every(std::string_view text, const base::SocketAddress& address) {
  auto parsed = parse_listen_addresses(text);
  return parsed && address.ip.is_unspecified() && std::ranges::any_of(*parsed, [&](const ListenAddress& one) {
           return one.every && one.first_port <= address.port && address.port <= one.last_port;
         });
}

bool same_sockets(const Listener& one, const Listener& other) {
  bool udp = one.protocol == ListenerProtocol::udp;
  return one.address == other.address && one.socket == other.socket &&
         udp == (other.protocol == ListenerProtocol::udp) && (udp || tcp_keepalive(one) == tcp_keepalive(other));
}

}  // namespace weir::config
