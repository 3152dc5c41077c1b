// A name server for tests: a thread that answers on 127.0.0.1, on a free port, over UDP and TCP.
#pragma once

#include <arpa/inet.h>
#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <netinet/in.h>
#include <poll.h>
#include <string>
#include <string_view>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

#include "base/ip.h"

namespace weir::test {

class DnsServer {
 public:
  struct Answer {
    std::vector<std::string> addresses;  // of both families
    std::uint32_t ttl = 60;
    int rcode = 0;
    bool silent = false;
    bool truncated_over_udp = false;
    std::string alias = {};  // answers with a CNAME to this name first, with a TTL of alias_ttl
    std::uint32_t alias_ttl = 60;
  };

  DnsServer() {
    for (int attempt = 0; attempt < 20 && !bind_both(); ++attempt) {
    }
    thread_ = std::thread([this] { serve(); });
  }
  ~DnsServer() {
    std::uint64_t one = 1;
    [[maybe_unused]] ssize_t written = write(stop_, &one, sizeof one);
    thread_.join();
    for (int fd : {udp_, tcp_, stop_}) ::close(fd);
  }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  void set(const std::string& name, Answer answer) {
    std::lock_guard lock(mutex_);
    answers_[name] = std::move(answer);
  }
  // Questions of type A for `name` so far.
  int questions(const std::string& name) const {
    std::lock_guard lock(mutex_);
    auto found = questions_.find(name);
    return found == questions_.end() ? 0 : found->second;
  }

 private:
  static constexpr int kTypeA = 1, kTypeCname = 5, kTypeAaaa = 28;

  bool bind_both() {
    for (int fd : {udp_, tcp_}) {
      if (fd >= 0) ::close(fd);
    }
    udp_ = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    tcp_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (bind(udp_, generic, size) != 0 || getsockname(udp_, generic, &size) != 0) return false;
    port_ = ntohs(address.sin_port);
    return bind(tcp_, generic, size) == 0 && listen(tcp_, 16) == 0;
  }

  void serve() {
    std::array<char, 2048> bytes;
    while (true) {
      std::array<pollfd, 3> ready = {{{stop_, POLLIN, 0}, {udp_, POLLIN, 0}, {tcp_, POLLIN, 0}}};
      poll(ready.data(), ready.size(), -1);
      if (ready[0].revents != 0) return;
      if (ready[1].revents != 0) {
        sockaddr_in from{};
        socklen_t size = sizeof from;
        ssize_t got = recvfrom(udp_, bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&from), &size);
        std::string reply = got > 12 ? respond({bytes.data(), static_cast<std::size_t>(got)}, true) : "";
        if (!reply.empty()) sendto(udp_, reply.data(), reply.size(), 0, reinterpret_cast<sockaddr*>(&from), size);
      }
      if (ready[2].revents != 0) serve_stream(accept(tcp_, nullptr, nullptr));
    }
  }
  // Answers what comes on one connection until the client closes it.
  void serve_stream(int fd) {
    std::string input;
    std::array<char, 2048> bytes;
    while (true) {
      ssize_t got = recv(fd, bytes.data(), bytes.size(), 0);
      if (got <= 0) break;
      input.append(bytes.data(), static_cast<std::size_t>(got));
      while (input.size() >= 2) {
        std::size_t length = static_cast<unsigned char>(input[0]) * 256u + static_cast<unsigned char>(input[1]);
        if (input.size() < 2 + length) break;
        std::string reply = respond(std::string_view(input).substr(2, length), false);
        input.erase(0, 2 + length);
        std::string framed;
        append16(framed, reply.size());
        framed += reply;
        // In two pieces, as a network may.
        send(fd, framed.data(), 2, MSG_NOSIGNAL);
        send(fd, framed.data() + 2, framed.size() - 2, MSG_NOSIGNAL);
      }
    }
    ::close(fd);
  }

  static void append16(std::string& out, std::size_t value) {
    out += static_cast<char>(value >> 8);
    out += static_cast<char>(value);
  }
  static void append_record(std::string& out, std::string_view name, int type, std::uint32_t ttl,
                            std::string_view data) {
    out += name;
    append16(out, static_cast<std::size_t>(type));
    append16(out, 1);
    append16(out, ttl >> 16);
    append16(out, ttl & 0xffff);
    append16(out, data.size());
    out += data;
  }
  static std::string encode(const std::string& name) {
    std::string out;
    for (std::size_t from = 0; from < name.size();) {
      std::size_t to = std::min(name.find('.', from), name.size());
      out += static_cast<char>(to - from);
      out += name.substr(from, to - from);
      from = to + 1;
    }
    return out + '\0';
  }

  std::string respond(std::string_view question, bool udp) {
    std::size_t at = 12;
    std::string name;
    while (at < question.size() && question[at] != 0) {
      auto length = static_cast<unsigned char>(question[at]);
      name += (name.empty() ? "" : ".") + std::string(question.substr(at + 1, length));
      at += length + 1u;
    }
    int type = static_cast<unsigned char>(question[at + 2]);
    std::string_view asked = question.substr(12, at + 5 - 12);
    Answer answer;
    {
      std::lock_guard lock(mutex_);
      if (type == kTypeA) ++questions_[name];
      auto found = answers_.find(name);
      answer = found == answers_.end() ? Answer{.addresses = {}, .rcode = 3} : found->second;
    }
    if (answer.silent) return "";
    bool truncated = udp && answer.truncated_over_udp;
    std::string records;
    int count = 0;
    std::string owner = "\xc0\x0c";
    if (!answer.alias.empty() && !truncated) {
      std::string alias = encode(answer.alias);
      append_record(records, owner, kTypeCname, answer.alias_ttl, alias);
      owner = alias;
      ++count;
    }
    for (const std::string& text : answer.addresses) {
      base::IpAddress ip = *base::IpAddress::parse(text);
      if (truncated || (ip.is_v6() ? kTypeAaaa : kTypeA) != type) continue;
      std::string_view data(reinterpret_cast<const char*>(ip.bytes().data()), ip.bytes().size());
      append_record(records, owner, type, answer.ttl, data);
      ++count;
    }
    std::string reply(question.substr(0, 2));
    reply += static_cast<char>(truncated ? 0x87 : 0x85);
    reply += static_cast<char>(0x80 | answer.rcode);
    append16(reply, 1);
    append16(reply, static_cast<std::size_t>(count));
    append16(reply, 0);
    append16(reply, 0);
    reply += asked;
    return reply + records;
  }

  int udp_ = -1;
  int tcp_ = -1;
  int stop_ = eventfd(0, EFD_CLOEXEC);
  std::uint16_t port_ = 0;
  mutable std::mutex mutex_;  // guards both maps
  std::map<std::string, Answer> answers_;
  std::map<std::string, int> questions_;
  std::thread thread_;
};

}  // namespace weir::test
