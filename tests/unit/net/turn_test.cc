#include "net/turn.h"

#include <unistd.h>

#include "net/listener.h"
#include "tests/unit/net/endless.h"

namespace weir::net {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kTotal = 64 * 1024 * 1024;
// Of one that is greedy, two turns fit into a round: one when its event comes, one when it goes on.
constexpr std::size_t kTwoTurns = 2 * (Turn::kBytes + 64 * 1024);
constexpr std::size_t kMostOperations = 2 * (Turn::kBytes / Turn::kOperation + 1);

class TurnTest : public testing::Test {
 protected:
  TurnTest() { reactor_.adopt_thread(); }
  // Runs `greedy` with something ready beside it, until it has ended.
  void run(Task<void> greedy) {
    group_.spawn(be_ready(passed_, beside_, ended_));
    group_.spawn(then_end(std::move(greedy)));
    auto give_up = base::now() + 30s;
    while (group_.size() > 0 && base::now() < give_up) reactor_.run_once(base::now() + 10ms);
    ASSERT_EQ(group_.size(), 0u);
  }
  Task<void> then_end(Task<void> greedy) {
    co_await greedy;
    ended_ = true;
  }
  TcpStream endless(std::size_t total, std::size_t at_once = SIZE_MAX) {
    return endless_stream(std::make_unique<EndlessPeer>(passed_, total, at_once));
  }

  Reactor reactor_;
  TaskGroup group_;
  Passed passed_;
  Beside beside_;
  bool ended_ = false;
};

Task<void> read_all(TcpStream from, std::size_t& total) {
  std::vector<char> buffer(64 * 1024);
  while (true) {
    base::Result<std::size_t> got = co_await from.read(buffer, base::TimePoint::max());
    if (!got || *got == 0) co_return;
    total += *got;
  }
}

TEST_F(TurnTest, AReadyTaskRunsBesideALoopThatReadsWithoutEverWaiting) {
  std::size_t total = 0;
  run(read_all(endless(kTotal), total));
  EXPECT_EQ(total, kTotal) << "no byte is lost where the loop is made to pause";
  EXPECT_LE(beside_.most_bytes, kTwoTurns);
  EXPECT_GE(beside_.turns, kTotal / kTwoTurns);
}

TEST_F(TurnTest, ManySmallOperationsAreATurnAsWellAsAFewLargeOnes) {
  std::size_t total = 0;
  run(read_all(endless(100'000, 10), total));
  EXPECT_EQ(total, 100'000u);
  EXPECT_LE(beside_.most_operations, kMostOperations);
}

Task<void> write_often(TcpStream to, int times, std::size_t bytes, int& written) {
  std::string piece(bytes, 'x');
  for (int i = 0; i < times; ++i) {
    base::Result<void> done = co_await to.write(piece, 10s);
    if (done) ++written;
  }
}

// As answers made here go to a client that pipelines.
TEST_F(TurnTest, AReadyTaskRunsBesideALoopThatWritesSmallAnswers) {
  int written = 0;
  run(write_often(endless(0), 10'000, 200, written));
  EXPECT_EQ(written, 10'000);
  EXPECT_LE(beside_.most_operations, kMostOperations);
}

TEST_F(TurnTest, AReadyTaskRunsBesideALoopThatWritesLargePieces) {
  int written = 0;
  run(write_often(endless(0), 1000, 64 * 1024, written));
  EXPECT_EQ(written, 1000);
  EXPECT_LE(beside_.most_bytes, kTwoTurns);
}

Task<void> accept_all(Listener listener, int count, Passed& passed) {
  for (int i = 0; i < count; ++i) {
    auto socket = co_await listener.accept();
    if (!socket) co_return;
    ::close(socket->fd);
    ++passed.operations;
  }
}

TEST_F(TurnTest, AReadyTaskRunsBesideAStormOfNewConnections) {
  constexpr int kConnections = 500;
  auto fd = listen_tcp(*base::SocketAddress::parse("127.0.0.1:0"), {.backlog = kConnections});
  ASSERT_TRUE(fd);
  base::SocketAddress address = local_address(*fd);
  sockaddr_storage storage;
  socklen_t length = address.to(storage);
  std::vector<int> clients;
  for (int i = 0; i < kConnections; ++i) {
    clients.push_back(socket(AF_INET, SOCK_STREAM, 0));
    ASSERT_EQ(::connect(clients.back(), reinterpret_cast<sockaddr*>(&storage), length), 0);
  }
  run(accept_all(Listener(*fd), kConnections, passed_));
  for (int client : clients) ::close(client);
  EXPECT_EQ(passed_.operations, static_cast<std::size_t>(kConnections));
  EXPECT_LE(beside_.most_operations, kMostOperations);
}

TEST_F(TurnTest, ALoopThatNeverWaitsEndsWhenItIsCancelled) {
  std::size_t total = 0;
  TaskGroup greedy;
  greedy.spawn(read_all(endless(SIZE_MAX), total));
  ASSERT_EQ(greedy.size(), 1u) << "its first turn has ended";
  greedy.cancel();
  reactor_.run_once(base::now());
  reactor_.run_once(base::now());
  EXPECT_EQ(greedy.size(), 0u);
}

Task<void> spend_much(Passed& passed) {
  for (int i = 0; i < 10'000; ++i) {
    ++passed.operations;
    Turn::spend(Turn::kOperation);
    co_await TurnEnd();
  }
}

TEST_F(TurnTest, WorkWithoutOperationsEndsItsTurnByItself) {
  run(spend_much(passed_));
  EXPECT_LE(beside_.most_operations, kMostOperations);
}

}  // namespace
}  // namespace weir::net
