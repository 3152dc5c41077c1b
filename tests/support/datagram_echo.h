// A small blocking UDP server for tests, which sends every datagram back.
#pragma once

#include <array>
#include <mutex>
#include <poll.h>
#include <string>
#include <string_view>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include "base/ip.h"

namespace weir::test {

class DatagramEcho {
 public:
  explicit DatagramEcho(const char* ip = "127.0.0.1", bool answers = true) : answers_(answers) {
    sockaddr_storage storage{};
    base::SocketAddress any{*base::IpAddress::parse(ip), 0};
    socklen_t size = any.to(storage);
    fd_ = socket(storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (bind(fd_, reinterpret_cast<sockaddr*>(&storage), size) == 0) {
      getsockname(fd_, reinterpret_cast<sockaddr*>(&storage), &size);
      address_ = base::SocketAddress::from(storage);
    }
    stop_ = eventfd(0, EFD_CLOEXEC);
    thread_ = std::thread([this] { run(); });
  }
  ~DatagramEcho() {
    eventfd_write(stop_, 1);
    thread_.join();
    close(stop_);
    close(fd_);
  }
  DatagramEcho(const DatagramEcho&) = delete;
  DatagramEcho& operator=(const DatagramEcho&) = delete;

  // Port 0 where there is no such address.
  base::SocketAddress address() const { return address_; }
  std::string last() const {
    std::scoped_lock lock(mutex_);
    return last_;
  }

 private:
  void run() {
    std::array<char, 65536> bytes;
    while (true) {
      std::array<pollfd, 2> ready = {{{fd_, POLLIN, 0}, {stop_, POLLIN, 0}}};
      poll(ready.data(), ready.size(), -1);
      if (ready[1].revents != 0) return;
      sockaddr_storage from{};
      socklen_t size = sizeof from;
      ssize_t got = recvfrom(fd_, bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&from), &size);
      if (got < 0) continue;
      {
        std::scoped_lock lock(mutex_);
        last_.assign(bytes.data(), static_cast<std::size_t>(got));
      }
      if (answers_)
        sendto(fd_, bytes.data(), static_cast<std::size_t>(got), 0, reinterpret_cast<sockaddr*>(&from), size);
    }
  }

  bool answers_;
  int fd_ = -1;
  int stop_ = -1;
  base::SocketAddress address_;
  mutable std::mutex mutex_;  // guards last_
  std::string last_;
  std::thread thread_;
};

}  // namespace weir::test
