#include "exchange/forwarded.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <charconv>
#include <cstring>
#include <optional>

#include "base/text.h"
#include "http/authority.h"

namespace weir::exchange {
namespace {

// A number of an IPv4 address with the dot behind it.
struct DottedByte {
  char text[4];
  std::uint8_t size;
};
constexpr std::array<DottedByte, 256> kDottedBytes = [] {
  std::array<DottedByte, 256> all{};
  for (unsigned byte = 0; byte < all.size(); ++byte) {
    DottedByte& dotted = all[byte];
    for (unsigned unit : {100u, 10u, 1u}) {
      if (byte >= unit || unit == 1) dotted.text[dotted.size++] = static_cast<char>('0' + byte / unit % 10);
    }
    dotted.text[dotted.size++] = '.';
  }
  return all;
}();

// The address of one entry, which some proxies write with a port: "10.0.0.1:4711", "[::1]:4711".
std::optional<base::IpAddress> address_of(std::string_view entry) {
  const auto colon = entry.rfind(':');
  const bool bracketed = entry.starts_with('[');
  const bool has_port =
      colon != std::string_view::npos && (bracketed ? entry[colon - 1] == ']' : entry.find(':') == colon);
  if (has_port && !base::parse_unsigned(entry.substr(colon + 1), 65535)) return std::nullopt;
  return base::IpAddress::parse(has_port ? entry.substr(0, colon) : entry);
}

// The entries of all X-Forwarded-For fields, from the right; visit returns false to stop.
template <typename Visit>
void for_each_hop(const http::HeaderMap& headers, Visit&& visit) {
  for (auto field = headers.end(); field != headers.begin();) {
    --field;
    if (field->id != http::HeaderId::x_forwarded_for) continue;
    std::string_view rest = field->value;
    while (!rest.empty()) {
      const auto comma = rest.rfind(',');
      const std::string_view entry = base::trim(comma == std::string_view::npos ? rest : rest.substr(comma + 1));
      rest = comma == std::string_view::npos ? std::string_view() : rest.substr(0, comma);
      if (!entry.empty() && !visit(entry)) return;
    }
  }
}

// The fields that a trusted peer sent, with the peer behind it; the client's address on the way.
void take_trusted_for(const http::HeaderMap& headers, std::string_view peer_text, std::span<const base::Cidr> trusted,
                      base::Arena& arena, Forwarded& out) {
  static constexpr std::string_view kComma = ", ";
  // Filled from its end, as the entries come from the right.
  char* buffer = arena.allocate(kMaxForwardedForBytes);
  char* start = buffer + kMaxForwardedForBytes - peer_text.size();
  std::ranges::copy(peer_text, start);
  std::size_t hops = 0;
  bool client_found = false;
  for_each_hop(headers, [&](std::string_view entry) {
    if (entry.size() + kComma.size() > static_cast<std::size_t>(start - buffer)) return false;
    start -= kComma.size();
    std::ranges::copy(kComma, start);
    start -= entry.size();
    std::ranges::copy(entry, start);
    if (client_found) return true;
    const std::optional<base::IpAddress> address = address_of(entry);
    if (address) out.client = *address;
    client_found = !address || ++hops == kMaxForwardedHops || !is_trusted(*address, trusted);
    return true;
  });
  out.forwarded_for = {start, static_cast<std::size_t>(buffer + kMaxForwardedForBytes - start)};
}

// The value of the only field with that id, or empty.
std::string_view only_value(const http::HeaderMap& headers, http::HeaderId id) {
  const http::HeaderField* found = nullptr;
  for (const http::HeaderField& field : headers) {
    if (field.id != id) continue;
    if (found != nullptr) return {};
    found = &field;
  }
  return found == nullptr ? std::string_view() : found->value;
}

}  // namespace

// inet_ntop costs 150 ns; this, for IPv4, a few.
std::string_view address_text(const base::IpAddress& address, base::Arena& arena) {
  char* start = arena.allocate(INET6_ADDRSTRLEN);
  if (address.is_v6()) {
    inet_ntop(AF_INET6, address.bytes().data(), start, INET6_ADDRSTRLEN);
    return start;
  }
  char* at = start;
  for (std::uint8_t byte : address.bytes()) {
    const DottedByte& dotted = kDottedBytes[byte];
    std::memcpy(at, dotted.text, sizeof dotted.text);
    at += dotted.size;
  }
  return {start, static_cast<std::size_t>(at - 1 - start)};
}

std::string_view port_text(std::uint16_t port, base::Arena& arena) {
  constexpr std::size_t kDigits = 5;
  char* start = arena.allocate(kDigits);
  return {start, static_cast<std::size_t>(std::to_chars(start, start + kDigits, port).ptr - start)};
}

bool is_trusted(const base::IpAddress& peer, std::span<const base::Cidr> trusted) {
  return std::ranges::any_of(trusted, [&peer](const base::Cidr& block) { return block.contains(peer); });
}

Forwarded forwarded(const http::RequestHead& request, const base::IpAddress& peer, bool peer_trusted,
                    std::string_view scheme, std::span<const base::Cidr> trusted, base::Arena& arena) {
  Forwarded out{.client = peer,
                .forwarded_for = {},
                .forwarded_proto = scheme,
                .forwarded_host = request.authority,
                .forwarded_port = {}};
  const std::string_view peer_text = address_text(peer, arena);
  if (!peer_trusted) {
    out.forwarded_for = peer_text;
    return out;
  }
  take_trusted_for(request.headers, peer_text, trusted, arena, out);
  const std::string_view proto = only_value(request.headers, http::HeaderId::x_forwarded_proto);
  if (base::equal_ignoring_case(proto, "http")) out.forwarded_proto = "http";
  if (base::equal_ignoring_case(proto, "https")) out.forwarded_proto = "https";
  const http::HeaderField* port = request.headers.find("x-forwarded-port");
  if (port != nullptr && base::parse_unsigned(port->value, 65535).value_or(0) > 0) out.forwarded_port = port->value;
  http::Authority parts;
  const std::string_view host = only_value(request.headers, http::HeaderId::x_forwarded_host);
  if (!host.empty() && http::parse_authority(host, parts) == nullptr) out.forwarded_host = host;
  return out;
}

std::uint32_t route_of(const config::Listener& listener, const route::Table& routes, const http::RequestHead& request,
                       const Forwarded& forwarded, base::Arena& arena) {
  const std::uint32_t found = routes.find(request, forwarded.client, arena);
  // control::merge() puts the redirect behind all other routes.
  const bool is_redirect = listener.redirect_to_https != 0 && std::size_t{found} + 1 == listener.routes.size();
  return is_redirect && forwarded.forwarded_proto == "https" ? route::kNoRoute : found;
}

}  // namespace weir::exchange
