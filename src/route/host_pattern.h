// Hosts as routes name them, and as requests do.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace weir::route {

// No name in the DNS is longer (RFC 1035 2.3.4); a longer host is under no name.
inline constexpr std::size_t kMaxHostBytes = 255;
using HostBuffer = std::array<char, kMaxHostBytes>;

// host[:port] without the port: "[::1]:80" is "[::1]".
std::string_view without_port(std::string_view authority);

// The host of `authority` as routing compares it: without port and trailing dot, in lower case, in `buffer`. Empty when
// it is longer than kMaxHostBytes.
std::string_view routing_host(std::string_view authority, HostBuffer& buffer);

struct HostPattern {
  enum class Kind : std::uint8_t { exact, suffix, any } kind = Kind::any;  // in order of preference
  std::string text;  // in the form of routing_host; of a suffix without "*."

  // "a.example", "*.example" or "*". Port and trailing dot are dropped.
  static HostPattern parse(std::string_view text);
  // `host` is in the form of routing_host. A suffix takes any depth below it, but not itself.
  bool matches(std::string_view host) const;
  std::string to_string() const;
  // Less is preferred: exact before suffix before any, a longer suffix before a shorter one.
  friend std::strong_ordering operator<=>(const HostPattern& a, const HostPattern& b) {
    if (auto order = a.kind <=> b.kind; order != 0) return order;
    return a.kind == Kind::suffix ? b.text.size() <=> a.text.size() : std::strong_ordering::equal;
  }
};

}  // namespace weir::route
