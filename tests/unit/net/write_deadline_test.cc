// How long a write waits for a peer that takes little, or nothing.
#include <array>
#include <string>
#include <sys/socket.h>
#include <unistd.h>

#include "gtest/gtest.h"

#include "net/reactor.h"
#include "net/task_group.h"
#include "net/tcp.h"

namespace weir::net {
namespace {

using namespace std::chrono_literals;

constexpr base::Nanoseconds kPatience = 1s;

Task<void> write_all(TcpStream& stream, const std::string& bytes, std::string& outcome) {
  base::Result<void> written = co_await stream.write(bytes, kPatience);
  outcome = written ? "written" : base::name(written.error().code);
}

Task<void> wait_for_room(TcpStream& stream, std::string& outcome) {
  base::Result<void> room = co_await stream.wait_for_room(kPatience);
  outcome = room ? "room" : base::name(room.error().code);
}

// A pair of Unix sockets: the kernel says that one can be written to when three quarters of its buffer are free.
class WriteDeadlineTest : public testing::Test {
 protected:
  WriteDeadlineTest() {
    reactor_.adopt_thread();
    int fds[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    int buffer_bytes = 256 * 1024;
    EXPECT_EQ(setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &buffer_bytes, sizeof buffer_bytes), 0);
    stream_ = TcpStream::adopt(fds[0]);
    peer_ = fds[1];
  }
  ~WriteDeadlineTest() override {
    group_.cancel();
    pass(100ms);
    stream_.close();
    close(peer_);
    pass(100ms);
  }
  // In steps that are no lateness of the thread's.
  void pass(base::Nanoseconds duration) {
    for (base::Nanoseconds step = 50ms; duration > 0ns; duration -= step) {
      clock_.advance(step);
      for (int round = 0; round < 3; ++round) reactor_.run_once(reactor_.now());
    }
  }
  void fill() {
    std::array<char, 8192> bytes{};
    while (send(stream_.fd(), bytes.data(), bytes.size(), MSG_DONTWAIT) > 0) {
    }
    stream_.descriptor().writable = false;
  }
  // The peer takes so much of what was sent to it.
  void take(std::size_t bytes) {
    std::string taken(bytes, 0);
    EXPECT_EQ(recv(peer_, taken.data(), taken.size(), MSG_DONTWAIT), static_cast<ssize_t>(bytes));
  }

  base::ManualClock clock_;
  Reactor reactor_{&clock_};
  TaskGroup group_;
  TcpStream stream_;
  int peer_ = -1;
  std::string bytes_ = std::string(4 << 20, 'x');
  std::string outcome_;
};

TEST_F(WriteDeadlineTest, APeerThatTakesBytesSteadilyIsWaitedForThoughTheSocketHasNoRoomYet) {
  fill();
  group_.spawn(write_all(stream_, bytes_, outcome_));
  for (int i = 0; i < 6; ++i) {
    pass(900ms);
    take(8192);
  }
  EXPECT_EQ(outcome_, "");
  EXPECT_FALSE(stream_.descriptor().writable);
}

TEST_F(WriteDeadlineTest, APeerThatTakesNothingIsGivenUpAfterTwoPatiences) {
  fill();
  group_.spawn(write_all(stream_, bytes_, outcome_));
  pass(1900ms);
  EXPECT_EQ(outcome_, "");
  pass(300ms);
  EXPECT_EQ(outcome_, "timeout");
}

TEST_F(WriteDeadlineTest, APeerThatStopsIsGivenUp) {
  fill();
  group_.spawn(write_all(stream_, bytes_, outcome_));
  for (int i = 0; i < 3; ++i) {
    pass(900ms);
    take(8192);
  }
  pass(2200ms);
  EXPECT_EQ(outcome_, "timeout");
}

TEST_F(WriteDeadlineTest, AWaitForRoomIsAsPatient) {
  fill();
  group_.spawn(wait_for_room(stream_, outcome_));
  for (int i = 0; i < 4; ++i) {
    pass(900ms);
    take(8192);
  }
  EXPECT_EQ(outcome_, "");
  pass(2200ms);
  EXPECT_EQ(outcome_, "timeout");
}

}  // namespace
}  // namespace weir::net
