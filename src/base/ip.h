// IP addresses, socket addresses and CIDR blocks as plain values. Nothing here does I/O or resolves names.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <sys/socket.h>

namespace weir::base {

// An IPv4 or IPv6 address. IPv4 lives in the first four bytes; the rest is zero. IPv4-mapped IPv6 is turned into IPv4.
class IpAddress {
 public:
  IpAddress() = default;  // 0.0.0.0
  static IpAddress v4(std::array<std::uint8_t, 4> bytes);
  static IpAddress v6(const std::array<std::uint8_t, 16>& bytes);
  // "10.0.0.1", "::1", "[::1]". Nothing when the text is no address.
  static std::optional<IpAddress> parse(std::string_view text);

  bool is_v6() const { return v6_; }
  bool is_loopback() const;
  bool is_unspecified() const;
  std::span<const std::uint8_t> bytes() const { return {bytes_.data(), v6_ ? 16u : 4u}; }
  std::string to_string() const;
  std::uint64_t hash() const;
  // The address that stands for all those one subscriber commonly has: an IPv4 address itself, of an IPv6 address the
  // first 64 bits.
  IpAddress subscriber() const;

  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;

 private:
  std::array<std::uint8_t, 16> bytes_{};
  bool v6_ = false;
};

// Address and port.
struct SocketAddress {
  IpAddress ip;
  std::uint16_t port = 0;

  // "10.0.0.1:80", "[::1]:80". Nothing when the text is not of that form; the port must be there.
  static std::optional<SocketAddress> parse(std::string_view text);
  static SocketAddress from(const sockaddr_storage& storage);
  // Fills `storage` and returns the length for bind or connect.
  socklen_t to(sockaddr_storage& storage) const;
  std::string to_string() const;

  friend auto operator<=>(const SocketAddress&, const SocketAddress&) = default;
};

// A block of addresses: "10.0.0.0/8", "2001:db8::/32", or one address.
struct Cidr {
  IpAddress network;
  std::uint8_t prefix_bits = 0;

  static std::optional<Cidr> parse(std::string_view text);
  bool contains(const IpAddress& address) const;
  std::string to_string() const;

  friend bool operator==(const Cidr&, const Cidr&) = default;
};

}  // namespace weir::base
