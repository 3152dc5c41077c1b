#include "net/drop_rest.h"

#include <array>
#include <functional>
#include <sys/socket.h>
#include <unistd.h>

#include "gtest/gtest.h"

#include "net/task_group.h"

namespace weir::net {
namespace {

using namespace std::chrono_literals;

class DropRestTest : public testing::Test {
 protected:
  DropRestTest() {
    reactor_.adopt_thread();
    std::array<int, 2> ends{};
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()), 0);
    from_ = TcpStream::adopt(ends[0]);
    from_peer_ = ends[1];
  }
  ~DropRestTest() override {
    tasks_.cancel();
    run_until([&] { return tasks_.size() == 0; });
    ::close(from_peer_);
  }
  void run_until(const std::function<bool()>& done) {
    auto give_up = base::now() + 10s;
    while (!done() && base::now() < give_up) reactor_.run_once(base::now() + 1ms);
    EXPECT_TRUE(done());
  }
  Task<void> drop(RestBounds bounds) {
    co_await drop_rest(from_, bounds);
    done_ = true;
  }

  Reactor reactor_;
  int from_peer_ = -1;
  TcpStream from_;
  TaskGroup tasks_;
  bool done_ = false;
};

TEST_F(DropRestTest, EndsWithThePeer) {
  tasks_.spawn(drop({.time = 1h, .bytes = 1000}));
  ASSERT_EQ(::write(from_peer_, "rest", 4), 4);
  for (int i = 0; i < 5; ++i) reactor_.run_once(base::now() + 1ms);
  EXPECT_FALSE(done_);
  ASSERT_EQ(::shutdown(from_peer_, SHUT_WR), 0);
  run_until([&] { return done_; });
}

TEST_F(DropRestTest, EndsWithItsBytes) {
  tasks_.spawn(drop({.time = 1h, .bytes = 4}));
  ASSERT_EQ(::write(from_peer_, "rest", 4), 4);
  run_until([&] { return done_; });
}

TEST_F(DropRestTest, EndsAfterAWindowWithoutProgress) {
  tasks_.spawn(drop({.time = 1h, .bytes = 1000, .window = 2ms, .least_bytes = 1}));
  run_until([&] { return done_; });
}

TEST_F(DropRestTest, EndsWhenItIsWantedNoMore) {
  bool wanted = true;
  auto goes_on = [&](bool) { return wanted; };
  base::FunctionRef<bool(bool)> asked(goes_on);
  tasks_.spawn(drop({.time = 1h, .bytes = 1000, .goes_on = &asked}));
  wanted = false;
  ASSERT_EQ(::write(from_peer_, "x", 1), 1);
  run_until([&] { return done_; });
}

}  // namespace
}  // namespace weir::net
