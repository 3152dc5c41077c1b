#include "net/listener.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace weir::net {

namespace {

// Sets options that accepted connections inherit; each may be set again on a socket that listens already.
void set_options(int fd, const ListenOptions& options) {
  int seconds = static_cast<int>(options.defer_accept.count());
  setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof seconds);
  int off = 0;
  if (options.keepalive.count() > 0) {
    keep_alive(fd, options.keepalive);
  } else {
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &off, sizeof off);
  }
  // Where the kernel does not allow it, handshakes are ordinary ones.
  setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN, &options.tcp_fastopen, sizeof options.tcp_fastopen);
}

}  // namespace

base::Result<int> listen_tcp(const base::SocketAddress& address, const ListenOptions& options) {
  sockaddr_storage storage;
  socklen_t length = address.to(storage);
  int fd = socket(storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return base::fail_errno(errno, "socket");
  int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (options.reuse_port) setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  if (address.ip.is_v6()) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  // Accepted sockets inherit it, which saves a system call for each.
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  set_options(fd, options);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&storage), length) != 0 ||
      (!options.closed && listen(fd, options.backlog) != 0)) {
    int os_error = errno;
    close(fd);
    return base::fail_errno(os_error, "bind");
  }
  return fd;
}

base::Result<void> listen_with(int fd, const ListenOptions& options) {
  set_options(fd, options);
  if (listen(fd, options.backlog) != 0) return base::fail_errno(errno, "listen");
  return {};
}

void ignore_new_handshakes(int listening_fd) {
  // On the segment from its TCP header on: byte 13 holds the flags. SYN without ACK is dropped, everything else passes.
  constexpr std::uint32_t kFlagsOffset = 13;
  constexpr std::uint32_t kSynAndAck = 0x12;
  constexpr std::uint32_t kSyn = 0x02;
  std::array<sock_filter, 5> program{{{BPF_LD | BPF_B | BPF_ABS, 0, 0, kFlagsOffset},
                                      {BPF_ALU | BPF_AND | BPF_K, 0, 0, kSynAndAck},
                                      {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, kSyn},
                                      {BPF_RET | BPF_K, 0, 0, 0},
                                      {BPF_RET | BPF_K, 0, 0, UINT32_MAX}}};
  sock_fprog filter{.len = program.size(), .filter = program.data()};
  setsockopt(listening_fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter);
}

namespace {

// Removes a socket in the file system that nobody serves. Anything else that stands there is not ours to remove.
base::Result<void> remove_stale_socket(const std::string& path, const sockaddr_un& address) {
  struct stat found{};
  if (lstat(path.c_str(), &found) != 0) return base::fail_errno(errno, "bind");
  if (!S_ISSOCK(found.st_mode)) {
    return base::fail(base::ErrorCode::io,
                      "something that is no socket has that path; remove it or choose another path");
  }
  int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  bool stale =
      ::connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 && errno == ECONNREFUSED;
  close(probe);
  if (!stale) return base::fail_errno(EADDRINUSE, "bind");
  if (unlink(path.c_str()) != 0) return base::fail_errno(errno, "remove the old socket");
  return {};
}

// A remedy, as the end of a message.
const char* remedy(int os_error, bool is_unix) {
  switch (os_error) {
    case EADDRINUSE:
      return is_unix ? "; stop what listens there (ss -lxp shows it) or choose another path"
                     : "; stop what listens there (ss -lntup shows it) or choose another port";
    case EADDRNOTAVAIL:
      return "; choose an address of this machine (ip address shows them), or * for all";
    case EACCES:
      return is_unix
                 ? "; the user that Weir runs as must be allowed to write to the folder"
                 : "; ports below 1024 need CAP_NET_BIND_SERVICE (systemd: AmbientCapabilities=CAP_NET_BIND_SERVICE)";
    case ENOENT:
      return is_unix ? "; the folder must exist" : "";
    case EMFILE:
    case ENFILE:
      return "; raise the limit on open files (ulimit -n)";
    default:
      return "";
  }
}

}  // namespace

base::Result<int> listen_unix(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return base::fail_errno(ENAMETOOLONG, "bind");
  std::memcpy(address.sun_path, path.data(), path.size());
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return base::fail_errno(errno, "socket");
  int bound = bind(fd, generic, sizeof address);
  if (bound != 0 && errno == EADDRINUSE) {
    base::Result<void> removed = remove_stale_socket(path, address);
    if (!removed) {
      close(fd);
      return std::unexpected(removed.error());
    }
    bound = bind(fd, generic, sizeof address);
  }
  if (bound != 0 || chmod(path.c_str(), 0660) != 0 || listen(fd, 256) != 0) {
    int os_error = errno;
    close(fd);
    return base::fail_errno(os_error, "bind");
  }
  return fd;
}

std::string listen_failure(const std::string& where, const base::Error& error) {
  const char* why = error.os_error != 0 ? std::strerror(error.os_error) : error.what;
  return fmt::format("cannot listen on {}: {}{}", where, why, remedy(error.os_error, where.starts_with("unix:")));
}

bool Listener::AcceptOperation::attempt() {
  if (!descriptor_.readable) return false;
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  int fd;
  do {
    fd = accept4(descriptor_.fd(), reinterpret_cast<sockaddr*>(&storage), &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
  } while (fd < 0 && errno == EINTR);
  if (fd >= 0) {
    result_ = Socket{.fd = fd, .peer = base::SocketAddress::from(storage)};
    Turn::spend(Turn::kOperation);
    return true;
  }
  if (errno == EAGAIN) {
    descriptor_.readable = false;
    return false;
  }
  result_ = base::fail_errno(errno, "accept");
  return true;
}

void Listener::AcceptOperation::on_ready() {
  if (!attempt()) return;
  descriptor_.stop_waiting_readable();
  resume();
}

void Listener::AcceptOperation::cancel() {
  descriptor_.stop_waiting_readable();
  result_ = base::fail(base::ErrorCode::cancelled, "accept");
  resume_later();
}

}  // namespace weir::net
