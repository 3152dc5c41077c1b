// recv(2) and send(2) as the data path calls them: without the C library's preparations for the cancellation of
// threads, which Weir does not use and which cost two atomic operations a call in a process with threads.
#pragma once

#include <cstddef>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace weir::net {

// Bytes read, 0 at the end of the stream, -1 with errno.
inline ssize_t receive(int fd, void* into, std::size_t bytes) {
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
  return ::recv(fd, into, bytes, 0);  // which the sanitizers watch
#else
  return ::syscall(SYS_recvfrom, fd, into, bytes, 0, nullptr, nullptr);
#endif
}

// Bytes taken, or -1 with errno. No signal when the peer is gone.
inline ssize_t transmit(int fd, const void* from, std::size_t bytes) {
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
  return ::send(fd, from, bytes, MSG_NOSIGNAL);
#else
  return ::syscall(SYS_sendto, fd, from, bytes, MSG_NOSIGNAL, nullptr, 0);
#endif
}

}  // namespace weir::net
