#include "net/reactor.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include "gtest/gtest.h"

#include "net/listener.h"
#include "net/task_group.h"
#include "net/tcp.h"
#include "net/wait.h"

namespace weir::net {
namespace {

using namespace std::chrono_literals;

class ReactorTest : public testing::Test {
 protected:
  ReactorTest() { reactor_.adopt_thread(); }
  ~ReactorTest() override {
    group_.cancel();
    run_until_idle();
  }
  void run_until_idle() {
    auto give_up = base::now() + 10s;
    while (group_.size() > 0 && base::now() < give_up) reactor_.run_once(base::now() + 100ms);
    ASSERT_EQ(group_.size(), 0u);
  }
  base::TimePoint soon() { return reactor_.now() + 20ms; }
  base::TimePoint later() { return reactor_.now() + 10s; }

  struct Pair {
    TcpStream left, right;
  };
  Pair stream_pair() {
    int fds[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    return {TcpStream::adopt(fds[0]), TcpStream::adopt(fds[1])};
  }
  Reactor reactor_;
  TaskGroup group_;
};

Task<int> doubled(int value) { co_return 2 * value; }
Task<void> add_doubled(int value, int& sum) { sum += co_await doubled(value); }
Task<void> read_into(TcpStream stream, base::TimePoint deadline, std::string& text, std::string& outcome) {
  char bytes[64];
  while (true) {
    base::Result<std::size_t> got = co_await stream.read(bytes, deadline);
    if (!got) {
      outcome = base::name(got.error().code);
      co_return;
    }
    if (*got == 0) {
      outcome = "end";
      co_return;
    }
    text.append(bytes, *got);
  }
}
Task<void> write_all(TcpStream stream, std::string text, std::string& outcome) {
  base::Result<void> written = co_await stream.write(text, 10s);
  outcome = written ? "written" : base::name(written.error().code);
}
Task<void> sleep_then_set(base::Nanoseconds duration, bool& done) {
  base::Result<void> slept = co_await sleep_for(duration);
  done = slept.has_value();
}

TEST_F(ReactorTest, ATaskReturnsItsValueToWhoAwaitsIt) {
  int sum = 0;
  group_.spawn(add_doubled(21, sum));
  EXPECT_EQ(sum, 42);
}

TEST_F(ReactorTest, ReadsWhatThePeerWritesUntilItsEnd) {
  Pair pair = stream_pair();
  std::string text, outcome, sent(1'000'000, 'x'), write_outcome;
  group_.spawn(read_into(std::move(pair.left), later(), text, outcome));
  group_.spawn(write_all(std::move(pair.right), sent, write_outcome));
  run_until_idle();
  EXPECT_EQ(write_outcome, "written");
  EXPECT_EQ(text.size(), sent.size());
  EXPECT_EQ(outcome, "end");
}

TEST_F(ReactorTest, AReadEndsAtItsDeadline) {
  Pair pair = stream_pair();
  std::string text, outcome;
  group_.spawn(read_into(std::move(pair.left), soon(), text, outcome));
  run_until_idle();
  EXPECT_EQ(outcome, "timeout");
}

TEST_F(ReactorTest, CancellingAGroupEndsItsWaits) {
  Pair pair = stream_pair();
  std::string text, outcome;
  bool slept = false;
  group_.spawn(read_into(std::move(pair.left), base::TimePoint::max(), text, outcome));
  group_.spawn(sleep_then_set(1h, slept));
  group_.cancel();
  EXPECT_EQ(outcome, "") << "a cancelled chain is resumed by the reactor, not inside cancel()";
  run_until_idle();
  EXPECT_EQ(outcome, "cancelled");
  EXPECT_FALSE(slept);
}

Task<void> wait_for(Waiter& waiter, base::TimePoint deadline, std::string& outcome) {
  base::Result<void> woken = co_await waiter.wait_until(deadline);
  outcome = woken ? "woken" : base::name(woken.error().code);
}

TEST_F(ReactorTest, AWaiterIsWokenOrTimesOut) {
  Waiter woken, late;
  std::string first, second;
  group_.spawn(wait_for(woken, later(), first));
  group_.spawn(wait_for(late, soon(), second));
  woken.wake();
  run_until_idle();
  EXPECT_EQ(first, "woken");
  EXPECT_EQ(second, "timeout");
}

Task<void> join_inner(std::string& order) {
  TaskGroup inner;
  bool slept = false;
  inner.spawn(sleep_then_set(5ms, slept));
  co_await inner.join();
  order += slept ? "slept joined" : "joined";
}

TEST_F(ReactorTest, JoinWaitsForTheTasksOfItsGroup) {
  std::string order;
  group_.spawn(join_inner(order));
  EXPECT_EQ(order, "");
  run_until_idle();
  EXPECT_EQ(order, "slept joined");
}

TEST_F(ReactorTest, CancellingTheJoinerCancelsTheGroupItJoins) {
  std::string order;
  group_.spawn(join_inner(order));
  group_.cancel();
  run_until_idle();
  EXPECT_EQ(order, "joined");
}

Task<void> echo_once(Listener listener, std::string& outcome) {
  auto socket = co_await listener.accept();
  TcpStream stream = TcpStream::adopt(socket->fd);
  char bytes[16];
  base::Result<std::size_t> got = co_await stream.read(bytes, base::TimePoint::max());
  base::Result<void> sent = co_await stream.write(std::string_view(bytes, *got), 1s);
  outcome = sent ? "echoed" : "failed";
}
Task<void> call(base::SocketAddress address, base::TimePoint deadline, std::string& answer) {
  base::Result<TcpStream> stream = co_await connect({.address = address, .deadline = deadline});
  if (!stream) {
    answer = base::name(stream.error().code);
    co_return;
  }
  base::Result<void> sent = co_await stream->write("hello", 1s);
  char bytes[16];
  base::Result<std::size_t> got = co_await stream->read(bytes, deadline);
  answer = sent && got ? std::string(bytes, *got) : "failed";
}

TEST_F(ReactorTest, ConnectsAndAcceptsOverBothFamilies) {
  for (const char* text : {"127.0.0.1:0", "[::1]:0"}) {
    base::SocketAddress any_port = *base::SocketAddress::parse(text);
    auto fd = listen_tcp(any_port, {});
    if (!fd && any_port.ip.is_v6()) GTEST_SKIP() << "no IPv6 here";
    ASSERT_TRUE(fd) << base::describe(fd.error());
    base::SocketAddress address = local_address(*fd);
    std::string server, client;
    group_.spawn(echo_once(Listener(*fd), server));
    group_.spawn(call(address, later(), client));
    run_until_idle();
    EXPECT_EQ(client, "hello") << text;
    EXPECT_EQ(server, "echoed");
  }
}

TEST_F(ReactorTest, ARefusedConnectionIsToldAsSuch) {
  auto fd = listen_tcp(*base::SocketAddress::parse("127.0.0.1:0"), {});
  base::SocketAddress address = local_address(*fd);
  ::close(*fd);
  std::string answer;
  group_.spawn(call(address, later(), answer));
  run_until_idle();
  EXPECT_EQ(answer, "refused");
}

TEST_F(ReactorTest, MessagesFromOtherThreadsRunInOrderAndWakeTheReactor) {
  std::string order;
  std::thread sender([&] {
    for (char c = 'a'; c <= 'z'; ++c) reactor_.post([&order, c] { order += c; });
    reactor_.stop();
  });
  reactor_.run();
  sender.join();
  EXPECT_EQ(order, "abcdefghijklmnopqrstuvwxyz");
}

Task<void> sleep_long(bool& done) {
  TaskContext& context = co_await this_context();
  (void)context;
  base::Result<void> slept = co_await sleep_for(1h);
  done = !slept;
}
Task<void> wait_cancelled_by(TcpStream& stream, bool& done) {
  TaskContext& context = co_await this_context();
  stream.cancel_when_broken(&context);
  co_await sleep_long(done);
  stream.cancel_when_broken(nullptr);
}

TEST_F(ReactorTest, ABrokenConnectionCancelsTheChainThatAskedForIt) {
  auto fd = listen_tcp(*base::SocketAddress::parse("127.0.0.1:0"), {});
  base::SocketAddress address = local_address(*fd);
  sockaddr_storage storage;
  socklen_t length = address.to(storage);
  int client = socket(AF_INET, SOCK_STREAM, 0);
  ASSERT_EQ(::connect(client, reinterpret_cast<sockaddr*>(&storage), length), 0);
  int accepted = accept4(*fd, nullptr, nullptr, SOCK_NONBLOCK);
  ::close(*fd);
  TcpStream stream = TcpStream::adopt(accepted);
  bool done = false;
  group_.spawn(wait_cancelled_by(stream, done));
  linger reset{.l_onoff = 1, .l_linger = 0};
  setsockopt(client, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  ::close(client);
  run_until_idle();
  EXPECT_TRUE(done);
}

// How many times epoll instances of this process have `fd` registered.
int registrations_of(int fd) {
  int found = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fdinfo")) {
    std::ifstream info(entry.path());
    for (std::string word; info >> word;) {
      int registered = -1;
      if (word == "tfd:" && info >> registered && registered == fd) ++found;
    }
  }
  return found;
}

TEST_F(ReactorTest, AClosedListenerIsNotWatchedOnThoughAnotherHoldsItsSocket) {
  int fd = *listen_tcp(*base::SocketAddress::parse("127.0.0.1:0"), {});
  int others = dup(fd);
  {
    Listener listener(fd);
    EXPECT_EQ(registrations_of(fd), 1);
  }
  EXPECT_EQ(registrations_of(fd), 0);
  ::close(others);
}

// The second registration of a file under the same number fails, as one would for which the kernel has no memory.
TEST_F(ReactorTest, AConnectionThatCannotBeWatchedIsServedAllTheSame) {
  int fds[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
  Descriptor* in_the_way = Descriptor::open(fds[0]);
  std::string text, outcome;
  group_.spawn(read_into(TcpStream::adopt(fds[0]), later(), text, outcome));
  EXPECT_EQ(write(fds[1], "one", 3), 3);
  auto give_up = base::now() + 10s;
  while (text != "one" && base::now() < give_up) reactor_.run_once(base::now() + 100ms);
  EXPECT_EQ(text, "one");
  // From now on it can be.
  in_the_way->release();
  while (registrations_of(fds[0]) == 0 && base::now() < give_up) reactor_.run_once(base::now() + 100ms);
  EXPECT_EQ(write(fds[1], "two", 3), 3);
  ::close(fds[1]);
  run_until_idle();
  EXPECT_EQ(text, "onetwo");
  EXPECT_EQ(outcome, "end");
}

TEST_F(ReactorTest, AConnectionThatCannotBeWatchedHasItsDeadline) {
  int fds[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
  Descriptor* in_the_way = Descriptor::open(fds[0]);
  std::string text, outcome;
  group_.spawn(read_into(TcpStream::adopt(fds[0]), soon(), text, outcome));
  run_until_idle();
  EXPECT_EQ(outcome, "timeout");
  in_the_way->release();
  ::close(fds[1]);
}

}  // namespace
}  // namespace weir::net
