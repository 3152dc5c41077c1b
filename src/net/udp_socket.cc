#include "net/udp_socket.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <linux/filter.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace weir::net {
namespace {

void set(int fd, int level, int option, int value) { setsockopt(fd, level, option, &value, sizeof value); }

// Above the system's limit where we may, else up to it.
void set_buffer(int fd, int forced, int option, std::uint32_t bytes) {
  if (bytes == 0) return;
  // The kernel doubles it for its own book-keeping.
  int half = static_cast<int>(bytes / 2);
  if (setsockopt(fd, SOL_SOCKET, forced, &half, sizeof half) != 0) set(fd, SOL_SOCKET, option, half);
}

void drop_everything(int fd) {
  std::array<sock_filter, 1> program{{{BPF_RET | BPF_K, 0, 0, 0}}};
  sock_fprog filter{.len = program.size(), .filter = program.data()};
  setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter);
}

}  // namespace

base::SocketAddress PeerAddress::to_socket_address() const {
  sockaddr_storage copy{};
  std::memcpy(&copy, &storage, sizeof storage);
  return base::SocketAddress::from(copy);
}

PeerAddress PeerAddress::of(const base::SocketAddress& address) {
  sockaddr_storage copy;
  address.to(copy);
  PeerAddress peer;
  std::memcpy(&peer.storage, &copy, sizeof peer.storage);
  return peer;
}

base::Result<int> bind_udp(const base::SocketAddress& address, const UdpBindOptions& options) {
  sockaddr_storage storage;
  socklen_t length = address.to(storage);
  int fd = socket(storage.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return base::fail_errno(errno, "socket");
  if (options.reuse_port) set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
  if (options.closed) drop_everything(fd);
  if (address.ip.is_v6()) set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
  if (address.ip.is_unspecified()) {
    if (address.ip.is_v6()) {
      set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    } else {
      set(fd, IPPROTO_IP, IP_PKTINFO, 1);
    }
  }
  set_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, options.receive_buffer_bytes);
  set_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, options.send_buffer_bytes);
  gather_segments(fd);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&storage), length) != 0) {
    int os_error = errno;
    close(fd);
    return base::fail_errno(os_error, "bind");
  }
  return fd;
}

void listen_now(int fd) { set(fd, SOL_SOCKET, SO_DETACH_FILTER, 0); }

bool is_datagram_socket(int fd) {
  int type = 0;
  socklen_t length = sizeof type;
  return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0 && type == SOCK_DGRAM;
}

base::Result<int> connect_udp(const base::SocketAddress& address) {
  sockaddr_storage storage;
  socklen_t length = address.to(storage);
  int fd = socket(storage.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return base::fail_errno(errno, "socket");
  if (connect(fd, reinterpret_cast<const sockaddr*>(&storage), length) != 0) {
    int os_error = errno;
    close(fd);
    // No port is left to send from.
    if (os_error == EAGAIN) return base::fail(base::ErrorCode::exhausted, "connect", os_error);
    return base::fail_errno(os_error, "connect");
  }
  return fd;
}

void gather_segments(int fd) { set(fd, IPPROTO_UDP, UDP_GRO, 1); }

}  // namespace weir::net
