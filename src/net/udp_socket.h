// UDP sockets: for clients (bound, one per worker on the same address) and for one backend (connected).
#pragma once

#include <array>
#include <cstdint>
#include <netinet/in.h>

#include "base/error.h"
#include "base/ip.h"

namespace weir::net {

// A peer's address as the kernel gives and takes it, with the scope of a link-local one. Equal bytes, equal peers.
struct PeerAddress {
  sockaddr_in6 storage{};  // or a sockaddr_in, by the family in front

  bool is_v6() const { return storage.sin6_family == AF_INET6; }
  socklen_t size() const { return is_v6() ? sizeof(sockaddr_in6) : sizeof(sockaddr_in); }
  base::SocketAddress to_socket_address() const;
  static PeerAddress of(const base::SocketAddress& address);
};

// The address of ours that a datagram was sent to, and that the answer must come from. All zero: the socket's own.
struct LocalAddress {
  std::array<std::uint8_t, 16> bytes{};  // four of IPv4, or sixteen
  std::uint32_t interface = 0;           // of a link-local one, else 0
  friend bool operator==(const LocalAddress&, const LocalAddress&) = default;
};

struct UdpBindOptions {
  bool reuse_port = false;  // several sockets, one per worker, share the address; the kernel spreads flows over them
  // Nothing is taken in until listen_now(): datagrams are dropped as if nobody listened yet, so that no flow is begun
  // on a group of sockets that is still growing.
  bool closed = false;
  std::uint32_t receive_buffer_bytes = 0;  // of the kernel; 0: its default
  std::uint32_t send_buffer_bytes = 0;
};

// A bound, non-blocking socket that gathers segments (UDP_GRO) and, on an unspecified address, tells the local address
// of each datagram. Error with errno of bind.
base::Result<int> bind_udp(const base::SocketAddress& address, const UdpBindOptions& options);
// Opens a socket that was bound closed.
void listen_now(int fd);
// Whether `fd` is a UDP socket.
bool is_datagram_socket(int fd);

// A non-blocking socket that speaks with `address` only. The kernel reports what ICMP says about the peer on it.
base::Result<int> connect_udp(const base::SocketAddress& address);
// The kernel may hand over several datagrams of equal size as one from now on.
void gather_segments(int fd);

}  // namespace weir::net
