// In a file of its own: the kernel's header and the C library's, which lacks newer members, cannot be had together.
#include <cstddef>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "net/tcp.h"

namespace weir::net {

std::uint64_t TcpStream::acknowledged_bytes() const {
  tcp_info info{};
  socklen_t size = sizeof info;
  bool known = getsockopt(descriptor_->fd(), IPPROTO_TCP, TCP_INFO, &info, &size) == 0;
  return known && size >= offsetof(tcp_info, tcpi_bytes_acked) + sizeof info.tcpi_bytes_acked ? info.tcpi_bytes_acked
                                                                                              : 0;
}

}  // namespace weir::net
