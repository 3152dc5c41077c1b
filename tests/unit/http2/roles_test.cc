// Both roles of a connection against each other.
#include <unistd.h>

#include "base/function.h"
#include "tests/unit/http2/pair.h"

namespace weir::http2 {
namespace {

class ClientOwner final : public ConnectionOwner {
 public:
  Stream* begin_request() override { return nullptr; }
  void serve(Stream&, const FieldVerdict&) override {}
  void discard(Stream&) override {}
  void on_streams_changed() override { ++changes; }
  int changes = 0;
};

struct Outcome {
  int status = 0;
  std::size_t bytes = 0;
  std::string trailer;
  std::optional<base::Error> error;
  bool done = false;
};

net::Task<void> exchange(Connection& connection, std::string path, std::string body, bool trailers, Outcome& out) {
  auto state = std::make_unique<TestServer::Stream::State>();
  state->request.method = "POST";
  Stream stream(state->request, state->response, state->arena);
  FieldList fields;
  fields.add(":method", "POST");
  fields.add(":scheme", "http");
  fields.add(":authority", "a");
  fields.add(":path", path);
  base::Result<void> opened = connection.open(stream, fields, body.empty());
  if (!opened) {
    out.error = opened.error();
    out.done = true;
    co_return;
  }
  FieldList more;
  more.add("x-t", "1");
  if (!body.empty()) {
    stream.send(body, true, trailers ? &more : nullptr);
    StreamWait sent = stream.wait_sent(10s);
    base::Result<void> waited = co_await sent;
    if (!waited) out.error = waited.error();
  }
  StreamWait head = stream.wait_head(net::Reactor::current().now() + 10s);
  base::Result<void> waited = co_await head;
  base::Result<void> taken = stream.take_head();
  if (!taken) {
    out.error = taken.error();
    out.done = true;
    co_return;
  }
  out.status = state->response.status;
  bool last = false;
  while (!last) {
    StreamWait input = stream.wait_input(net::Reactor::current().now() + 10s);
    waited = co_await input;
    base::Result<http::BodyPiece> piece = stream.take();
    if (!piece) {
      out.error = piece.error();
      break;
    }
    out.bytes += piece->data.size();
    last = piece->last;
  }
  if (!stream.trailers().empty()) out.trailer = stream.trailers()[0].value;
  out.done = true;
}

class BothRoles : public H2Test {
 protected:
  BothRoles() {
    Pair pair = stream_pair();
    server_ = std::make_unique<TestServer>(std::move(pair.left));
    stream_ = std::move(pair.right);
    client_ = std::make_unique<Connection>(Role::client, shared_, Settings{}, stream_, owner_);
    group_.spawn(client_->run());
  }
  ~BothRoles() override {
    join(group_);
    join(server_->group);
    client_.reset();
  }
  std::vector<Outcome> outs_;  // of tasks that are left at the end
  Shared shared_;
  ClientOwner owner_;
  std::unique_ptr<TestServer> server_;
  net::TcpStream stream_;
  std::unique_ptr<Connection> client_;
  net::TaskGroup group_;
};

TEST_F(BothRoles, CarryBodiesBothWaysWithTrailers) {
  Outcome out;
  group_.spawn(exchange(*client_, "/echo", "hello", true, out));
  run([&] { return out.done; });
  EXPECT_EQ(out.status, 200);
  EXPECT_EQ(out.bytes, 5u);
  EXPECT_EQ(out.trailer, "5");
}

TEST_F(BothRoles, CarryLargeBodiesSideBySide) {
  std::vector<Outcome> outs(20);
  for (Outcome& out : outs) group_.spawn(exchange(*client_, "/echo", std::string(3'000'000, 'y'), false, out));
  run([&] { return std::ranges::all_of(outs, [](const Outcome& out) { return out.done; }); }, 30s);
  for (Outcome& out : outs) {
    EXPECT_EQ(out.bytes, 3'000'000u);
    EXPECT_FALSE(out.error);
  }
}

TEST_F(BothRoles, ALostConnectionIsAnErrorOfTheBackend) {
  Outcome out;
  group_.spawn(exchange(*client_, "/wait", "", false, out));
  run([&] { return server_->served == 1; });
  server_->stream_.shut_down();
  run([&] { return out.done; });
  ASSERT_TRUE(out.error);
  EXPECT_EQ(out.error->side, base::Side::backend);
  EXPECT_FALSE(out.error->retry_helps);
}

TEST_F(BothRoles, StreamsThatAGoawayLeavesOutMayBeTriedAgain) {
  Outcome first, second;
  group_.spawn(exchange(*client_, "/1", "", false, first));
  run([&] { return first.done; });
  EXPECT_TRUE(client_->takes_streams());
  EXPECT_FALSE(client_->is_ending());
  server_->connection.terminate(NGHTTP2_NO_ERROR);
  group_.spawn(exchange(*client_, "/1", "", false, second));
  run([&] { return second.done; });
  ASSERT_TRUE(second.error);
  EXPECT_TRUE(second.error->retry_helps);
  EXPECT_FALSE(client_->takes_streams());
  EXPECT_TRUE(client_->is_ending());
}

TEST_F(BothRoles, OpensNoMoreStreamsThanTheServerAllows) {
  Outcome warm;
  group_.spawn(exchange(*client_, "/1", "", false, warm));
  run([&] { return warm.done; });
  EXPECT_TRUE(client_->is_established());
  EXPECT_TRUE(client_->peer_takes_extended_connect());
  EXPECT_EQ(client_->stream_limit(), 128u);
  outs_.resize(129);
  for (Outcome& out : outs_) group_.spawn(exchange(*client_, "/wait", "", false, out));
  EXPECT_FALSE(client_->takes_streams());
  EXPECT_TRUE(outs_.back().done && outs_.back().error->retry_helps);
}

// A backend that takes nothing for now may still answer: what waits behind the blocked write are our own requests.
TEST_F(H2Test, ManyRequestsThatWaitToBeSentStopNoReading) {
  int fds[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
  auto say = [&](const std::string& bytes) {
    EXPECT_EQ(::send(fds[0], bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  };
  std::vector<Outcome> outs(101);
  net::TcpStream stream = net::TcpStream::adopt(fds[1]);
  Shared shared;
  ClientOwner owner;
  Connection client(Role::client, shared, Settings{}, stream, owner);
  net::TaskGroup group;
  group.spawn(client.run());
  // Streams and windows for all of it.
  std::string settings = std::string("\0\3", 2) + u32(1000) + std::string("\0\4", 2) + u32(4'000'000);
  say(frame(4, 0, 0, settings) + frame(8, 0, 0, u32(4'000'000)));
  run([&] { return client.is_established(); });
  group.spawn(exchange(client, "/", std::string(2'000'000, 'x'), false, outs[0]));
  for (int i = 0; i < 20; ++i) reactor_.run_once(base::now() + 1ms);
  for (std::size_t i = 1; i < outs.size(); ++i) group.spawn(exchange(client, "/", "", false, outs[i]));
  for (int i = 0; i < 3; ++i) {
    std::uint64_t before = client.bytes_read();
    say(frame(6, 1, 0, "12345678"));
    run([&] { return client.bytes_read() > before; }, 2s);
    EXPECT_GT(client.bytes_read(), before);
  }
  ::close(fds[0]);
  join(group);
}

}  // namespace
}  // namespace weir::http2
