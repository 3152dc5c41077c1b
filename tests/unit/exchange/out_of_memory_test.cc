// What lacks memory ends as what has failed, and what ran beside it ends with it. Buffers cannot be had when a test
// says so.
#include "base/out_of_memory.h"

#include <array>
#include <optional>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include "gtest/gtest.h"

#include "exchange/stream_relay.h"
#include "http2/connection.h"
#include "relay/relay.h"

#if !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)
#include "tests/unit/net/failing_allocations.h"

namespace weir::exchange {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kBuffers = base::kBufferBytes;

// A connection, and the file of its peer.
struct Pair {
  Pair() {
    std::array<int, 2> ends{};
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()), 0);
    stream = net::TcpStream::adopt(ends[0]);
    peer = ends[1];
  }
  ~Pair() { close(peer); }
  void say(std::string_view text) const {
    EXPECT_EQ(::write(peer, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  net::TcpStream stream;
  int peer = -1;
};

// In a thread of its own, whose free lists have no buffers.
template <typename Test>
void in_a_new_thread(Test test) {
  std::thread([&] {
    net::Reactor reactor;
    reactor.adopt_thread();
    test(reactor);
  }).join();
}

// True when all of `group` has ended.
bool end_without_buffers(net::Reactor& reactor, net::TaskGroup& group) {
  net::Failing failing(kBuffers);
  for (int round = 0; group.size() > 0 && round < 10; ++round) reactor.run_once(reactor.now() + 100ms);
  return group.size() == 0;
}

template <typename AnyRelay>
net::Task<void> run_relay(AnyRelay& relay, std::optional<base::Error>& failure) {
  base::Result<void> ended = co_await relay.run();
  if (!ended) failure = ended.error();
}

template <typename AnyRelay>
void expect_failure(net::Reactor& reactor, AnyRelay& relay, const Pair& client) {
  net::TaskGroup group;
  std::optional<base::Error> failure;
  group.spawn(run_relay(relay, failure));
  client.say("hello");
  EXPECT_TRUE(end_without_buffers(reactor, group));
  EXPECT_TRUE(failure && failure->what == base::kOutOfMemory.what);
  group.cancel();
  while (group.size() > 0) reactor.run_once(reactor.now() + 100ms);
}

TEST(OutOfMemoryTest, ARelayWithADirectionThatLacksMemoryFails) {
  in_a_new_thread([](net::Reactor& reactor) {
    Pair client, backend;
    relay::Relay relay(client.stream, backend.stream, 60s);
    expect_failure(reactor, relay, client);
  });
}

TEST(OutOfMemoryTest, ATunnelWithADirectionThatLacksMemoryFails) {
  in_a_new_thread([](net::Reactor& reactor) {
    Pair client, backend;
    ConnectionEnd from(client.stream), to(backend.stream);
    StreamRelay relay(from, to, 60s);
    expect_failure(reactor, relay, client);
  });
}

class NoRequests final : public http2::ConnectionOwner {
 public:
  http2::Stream* begin_request() override { return nullptr; }
  void serve(http2::Stream&, const http2::FieldVerdict&) override {}
  void discard(http2::Stream&) override {}
  void on_streams_changed() override {}
};

TEST(OutOfMemoryTest, AConnectionOfHttp2ThatLacksMemoryEndsWithItsWriter) {
  in_a_new_thread([](net::Reactor& reactor) {
    Pair client;
    http2::Shared shared;
    NoRequests owner;
    http2::Connection connection(http2::Role::server, shared, {}, client.stream, owner);
    net::TaskGroup group;
    group.spawn(connection.run());
    reactor.run_once(reactor.now());  // its SETTINGS are out
    reactor.run_once(reactor.now());
    base::Buffer held = base::Buffer::small();  // what that has left
    client.say("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    EXPECT_TRUE(end_without_buffers(reactor, group));
    EXPECT_TRUE(connection.failure() && connection.failure()->what == base::kOutOfMemory.what);
    group.cancel();
    while (group.size() > 0) reactor.run_once(reactor.now() + 100ms);
  });
}

}  // namespace
}  // namespace weir::exchange
#endif
