// A small blocking TCP server for tests: what it does with each connection is a function of the test.
#pragma once

#include <arpa/inet.h>
#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <netinet/in.h>
#include <poll.h>
#include <string>
#include <string_view>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <utility>

#include "base/ip.h"

namespace weir::test {

// One accepted connection. Every wait ends when the server stops, so that a test never hangs in it.
class ScriptedConnection {
 public:
  ScriptedConnection(int fd, int stop) : fd_(fd), stop_(stop) {}
  // Reads up to the end of a request head; what came, also when the peer closed before.
  std::string read_head() {
    std::string head;
    char byte;
    while (!head.ends_with("\r\n\r\n") && wait() && recv(fd_, &byte, 1, 0) == 1) head += byte;
    return head;
  }
  // So many bytes, or what came before the peer closed.
  std::string read_bytes(std::size_t count) {
    std::string bytes;
    char byte;
    while (bytes.size() < count && wait() && recv(fd_, &byte, 1, 0) == 1) bytes += byte;
    return bytes;
  }
  // False when the peer is gone.
  bool send_text(std::string_view text) {
    while (!text.empty()) {
      ssize_t sent = send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  // Until the peer closes or the server stops.
  void hang() {
    std::array<char, 4096> ignored;
    while (wait() && recv(fd_, ignored.data(), ignored.size(), 0) > 0) {
    }
  }
  // Reads up to the end; whether that was an orderly one, and no reset.
  bool ends_in_order() {
    char byte;
    ssize_t got = 1;
    while (got > 0 && wait()) got = recv(fd_, &byte, 1, 0);
    return got == 0;
  }
  // Waits for `duration` or until the server stops (false).
  bool pause(int milliseconds) {
    pollfd stop{stop_, POLLIN, 0};
    return poll(&stop, 1, milliseconds) == 0;
  }
  // Owned by the server.
  int fd() const { return fd_; }
  // Closes with a reset.
  void reset() {
    linger hard{.l_onoff = 1, .l_linger = 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  }

 private:
  bool wait() {
    std::array<pollfd, 2> ready = {{{fd_, POLLIN, 0}, {stop_, POLLIN, 0}}};
    poll(ready.data(), ready.size(), -1);
    return ready[1].revents == 0;
  }
  int fd_;
  int stop_;
};

class ScriptedServer {
 public:
  using Script = std::function<void(ScriptedConnection&)>;

  // Serves one connection after the other.
  explicit ScriptedServer(Script script, const char* ip = "127.0.0.1") : script_(std::move(script)) {
    sockaddr_storage storage{};
    base::SocketAddress any{*base::IpAddress::parse(ip), 0};
    socklen_t size = any.to(storage);
    listener_ = socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bind(listener_, reinterpret_cast<sockaddr*>(&storage), size);
    listen(listener_, 512);
    getsockname(listener_, reinterpret_cast<sockaddr*>(&storage), &size);
    address_ = base::SocketAddress::from(storage);
    thread_ = std::thread([this] { serve(); });
  }
  // Answers every request with `response`.
  explicit ScriptedServer(std::string response)
      : ScriptedServer([response = std::move(response)](ScriptedConnection& connection) {
          connection.read_head();
          connection.send_text(response);
        }) {}
  ~ScriptedServer() {
    std::uint64_t one = 1;
    [[maybe_unused]] ssize_t written = write(stop_, &one, sizeof one);
    thread_.join();
    ::close(listener_);
    ::close(stop_);
  }
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  const base::SocketAddress& address() const { return address_; }
  int connections() const { return connections_.load(); }

 private:
  void serve() {
    while (true) {
      std::array<pollfd, 2> ready = {{{listener_, POLLIN, 0}, {stop_, POLLIN, 0}}};
      poll(ready.data(), ready.size(), -1);
      if (ready[1].revents != 0) return;
      int fd = accept(listener_, nullptr, nullptr);
      if (fd < 0) continue;
      ++connections_;
      ScriptedConnection connection(fd, stop_);
      script_(connection);
      ::close(fd);
    }
  }

  Script script_;
  int listener_ = -1;
  int stop_ = eventfd(0, EFD_CLOEXEC);
  base::SocketAddress address_;
  std::atomic<int> connections_{0};
  std::thread thread_;
};

// An address on loopback where nobody listens, for as long as this lives: the port is bound but not listened on.
class RefusingAddress {
 public:
  RefusingAddress() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_storage storage{};
    socklen_t size = base::SocketAddress{*base::IpAddress::parse("127.0.0.1"), 0}.to(storage);
    bind(fd_, reinterpret_cast<sockaddr*>(&storage), size);
    getsockname(fd_, reinterpret_cast<sockaddr*>(&storage), &size);
    address_ = base::SocketAddress::from(storage);
  }
  ~RefusingAddress() { ::close(fd_); }
  RefusingAddress(const RefusingAddress&) = delete;
  RefusingAddress& operator=(const RefusingAddress&) = delete;
  const base::SocketAddress& address() const { return address_; }

 private:
  int fd_;
  base::SocketAddress address_;
};

}  // namespace weir::test
