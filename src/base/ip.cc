#include "base/ip.h"

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>
#include <cstring>
#include <fmt/format.h>
#include <iterator>
#include <netinet/in.h>

#include "base/hash.h"
#include "base/text.h"

namespace weir::base {

IpAddress IpAddress::v4(std::array<std::uint8_t, 4> bytes) {
  IpAddress address;
  std::memcpy(address.bytes_.data(), bytes.data(), 4);
  return address;
}

IpAddress IpAddress::v6(const std::array<std::uint8_t, 16>& bytes) {
  static constexpr std::array<std::uint8_t, 12> kMappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (std::memcmp(bytes.data(), kMappedPrefix.data(), kMappedPrefix.size()) == 0) {
    return v4({bytes[12], bytes[13], bytes[14], bytes[15]});
  }
  IpAddress address;
  address.bytes_ = bytes;
  address.v6_ = true;
  return address;
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  if (text.size() >= 2 && text.front() == '[' && text.back() == ']') {
    text = text.substr(1, text.size() - 2);
    if (!text.contains(':')) return std::nullopt;
  }
  char copy[INET6_ADDRSTRLEN];
  if (text.empty() || text.size() >= sizeof copy) return std::nullopt;
  std::memcpy(copy, text.data(), text.size());
  copy[text.size()] = '\0';
  if (std::memchr(copy, '\0', text.size()) != nullptr) return std::nullopt;
  if (std::array<std::uint8_t, 4> bytes4; inet_pton(AF_INET, copy, bytes4.data()) == 1) return v4(bytes4);
  if (std::array<std::uint8_t, 16> bytes16; inet_pton(AF_INET6, copy, bytes16.data()) == 1) return v6(bytes16);
  return std::nullopt;
}

bool IpAddress::is_loopback() const {
  if (!v6_) return bytes_[0] == 127;
  for (int i = 0; i < 15; ++i) {
    if (bytes_[i] != 0) return false;
  }
  return bytes_[15] == 1;
}

bool IpAddress::is_unspecified() const {
  for (std::uint8_t byte : bytes_) {
    if (byte != 0) return false;
  }
  return true;
}

std::string IpAddress::to_string() const {
  char text[INET6_ADDRSTRLEN];
  if (v6_) {
    inet_ntop(AF_INET6, bytes_.data(), text, sizeof text);
    return text;
  }
  // inet_ntop goes through printf, which is ten times slower; every line of the access log comes by here.
  char* end = text;
  for (std::size_t i = 0; i < 4; ++i) {
    if (i > 0) *end++ = '.';
    end = std::to_chars(end, std::end(text), bytes_[i]).ptr;
  }
  return {text, end};
}

IpAddress IpAddress::subscriber() const {
  IpAddress network = *this;
  if (v6_) std::fill(network.bytes_.begin() + 8, network.bytes_.end(), std::uint8_t{0});
  return network;
}

std::uint64_t IpAddress::hash() const { return hash_bytes(bytes_.data(), v6_ ? 16 : 4); }

std::optional<SocketAddress> SocketAddress::parse(std::string_view text) {
  auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  if (host.contains(':') && host.front() != '[') return std::nullopt;
  auto ip = IpAddress::parse(host);
  auto port = parse_unsigned(text.substr(colon + 1), 65535);
  if (!ip || !port) return std::nullopt;
  return SocketAddress{.ip = *ip, .port = static_cast<std::uint16_t>(*port)};
}

SocketAddress SocketAddress::from(const sockaddr_storage& storage) {
  if (storage.ss_family == AF_INET6) {
    sockaddr_in6 in6;
    std::memcpy(&in6, &storage, sizeof in6);
    std::array<std::uint8_t, 16> bytes;
    std::memcpy(bytes.data(), &in6.sin6_addr, bytes.size());
    return {.ip = IpAddress::v6(bytes), .port = ntohs(in6.sin6_port)};
  }
  if (storage.ss_family != AF_INET) return {};
  sockaddr_in in4;
  std::memcpy(&in4, &storage, sizeof in4);
  std::array<std::uint8_t, 4> bytes;
  std::memcpy(bytes.data(), &in4.sin_addr, bytes.size());
  return {.ip = IpAddress::v4(bytes), .port = ntohs(in4.sin_port)};
}

socklen_t SocketAddress::to(sockaddr_storage& storage) const {
  std::memset(&storage, 0, sizeof storage);
  if (ip.is_v6()) {
    sockaddr_in6 in6{};
    in6.sin6_family = AF_INET6;
    in6.sin6_port = htons(port);
    std::memcpy(&in6.sin6_addr, ip.bytes().data(), 16);
    std::memcpy(&storage, &in6, sizeof in6);
    return sizeof in6;
  }
  sockaddr_in in4{};
  in4.sin_family = AF_INET;
  in4.sin_port = htons(port);
  std::memcpy(&in4.sin_addr, ip.bytes().data(), 4);
  std::memcpy(&storage, &in4, sizeof in4);
  return sizeof in4;
}

std::string SocketAddress::to_string() const {
  return ip.is_v6() ? fmt::format("[{}]:{}", ip.to_string(), port) : fmt::format("{}:{}", ip.to_string(), port);
}

std::optional<Cidr> Cidr::parse(std::string_view text) {
  auto slash = text.find('/');
  auto ip = IpAddress::parse(text.substr(0, slash));
  if (!ip) return std::nullopt;
  std::uint8_t whole = ip->is_v6() ? 128 : 32;
  if (slash == std::string_view::npos) return Cidr{.network = *ip, .prefix_bits = whole};
  // A mapped block (::ffff:10.0.0.0/104) has become one of IPv4; its first 96 bits are gone.
  std::uint64_t gone = !ip->is_v6() && text.substr(0, slash).contains(':') ? 96 : 0;
  auto bits = parse_unsigned(text.substr(slash + 1), whole + gone);
  if (!bits || *bits < gone) return std::nullopt;
  return Cidr{.network = *ip, .prefix_bits = static_cast<std::uint8_t>(*bits - gone)};
}

bool Cidr::contains(const IpAddress& address) const {
  if (address.is_v6() != network.is_v6()) return false;
  auto ours = network.bytes();
  auto theirs = address.bytes();
  std::size_t whole = prefix_bits / 8;
  if (std::memcmp(ours.data(), theirs.data(), whole) != 0) return false;
  unsigned rest = prefix_bits % 8;
  if (rest == 0) return true;
  unsigned mask = 0xffu << (8 - rest);
  return ((ours[whole] ^ theirs[whole]) & mask & 0xffu) == 0;
}

std::string Cidr::to_string() const { return fmt::format("{}/{}", network.to_string(), prefix_bits); }

}  // namespace weir::base
