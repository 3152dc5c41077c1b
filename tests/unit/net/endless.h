// A peer that always sends and always takes, as a filter of a descriptor: what reads from it never has to wait.
#pragma once

#include <algorithm>
#include <cstring>
#include <span>
#include <string>
#include <sys/socket.h>
#include <vector>

#include "gtest/gtest.h"

#include "net/task_group.h"
#include "net/tcp.h"
#include "net/wait.h"

namespace weir::net {

// Bytes that have passed through all streams of a test.
struct Passed {
  std::size_t bytes = 0;
  std::size_t operations = 0;
};

class EndlessPeer final : public StreamFilter {
 public:
  // Gives `first`, then `again` over and over, `total` bytes in all and at most `at_once` a read; then its end, or,
  // when `stays`, nothing more.
  EndlessPeer(Passed& passed, std::size_t total, std::size_t at_once = SIZE_MAX, std::string first = {},
              std::string again = std::string(16384, 'x'))
      : passed_(passed), left_(total), at_once_(at_once), first_(std::move(first)), again_(std::move(again)) {}

  bool stays = false;

  bool read(Descriptor& descriptor, std::span<char> into, base::Result<std::size_t>& result) override {
    descriptor.readable = !stays || left_ > 0;
    if (!descriptor.readable) return false;
    std::size_t count = std::min({into.size(), left_, at_once_});
    for (std::size_t i = 0; i < count;) {
      bool is_first = given_ < first_.size();
      const std::string& from = is_first ? first_ : again_;
      std::size_t at = is_first ? given_ : (given_ - first_.size()) % again_.size();
      std::size_t part = std::min(count - i, from.size() - at);
      std::memcpy(into.data() + i, from.data() + at, part);
      i += part;
      given_ += part;
    }
    left_ -= count;
    passed_.bytes += count;
    ++passed_.operations;
    result = count;
    return true;
  }
  Wrote write(Descriptor&, std::span<iovec> pieces, base::Result<void>&) override {
    for (iovec& piece : pieces) {
      passed_.bytes += piece.iov_len;
      piece.iov_len = 0;
    }
    ++passed_.operations;
    return Wrote::done;
  }
  bool is_quiet(Descriptor&) override { return false; }
  std::size_t unsent_bytes() const override { return 0; }
  void finish_writing(Descriptor&) override {}

 private:
  Passed& passed_;
  std::size_t left_;
  std::size_t at_once_;
  std::size_t given_ = 0;
  std::string first_;
  std::string again_;
};

inline TcpStream endless_stream(std::unique_ptr<EndlessPeer> peer) {
  int fds[2];
  EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
  TcpStream stream = TcpStream::adopt(fds[0]);
  ::close(fds[1]);
  stream.descriptor().set_filter(std::move(peer));
  stream.descriptor().readable = true;
  return stream;
}

// Ready all the time beside something greedy: how much of that passed between two turns of its own, at most.
struct Beside {
  std::size_t turns = 0;
  std::size_t most_bytes = 0;
  std::size_t most_operations = 0;
};

inline Task<void> be_ready(const Passed& passed, Beside& beside, const bool& ended) {
  Passed before = passed;
  while (!ended) {
    co_await yield();
    ++beside.turns;
    beside.most_bytes = std::max(beside.most_bytes, passed.bytes - before.bytes);
    beside.most_operations = std::max(beside.most_operations, passed.operations - before.operations);
    before = passed;
  }
}

}  // namespace weir::net
