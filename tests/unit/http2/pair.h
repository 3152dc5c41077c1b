// HTTP/2 connections in one thread, over a socket pair: with both ends ours, or with frames written by hand.
#pragma once

#include <map>
#include <string>
#include <sys/socket.h>
#include <vector>

#include "gtest/gtest.h"

#include "http2/connection.h"

namespace weir::http2 {

using namespace std::chrono_literals;

struct Frame {
  std::uint8_t type = 0;
  std::uint8_t flags = 0;
  std::uint32_t stream = 0;
  std::string payload;
};

inline std::string u32(std::uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16), static_cast<char>(value >> 8),
          static_cast<char>(value)};
}
inline std::uint32_t read_u32(std::string_view bytes) {
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}
inline std::string frame(std::uint8_t type, std::uint8_t flags, std::uint32_t stream, std::string_view payload = {}) {
  std::string bytes = u32(static_cast<std::uint32_t>(payload.size())).substr(1);
  bytes += static_cast<char>(type);
  bytes += static_cast<char>(flags);
  return bytes + u32(stream) + std::string(payload);
}
// Literal fields without indexing (RFC 7541 6.2.2), names and values below 127 bytes.
inline std::string literal(const std::vector<std::pair<std::string, std::string>>& fields) {
  std::string block;
  for (const auto& [name, value] : fields) {
    block += '\0';
    block += static_cast<char>(name.size());
    block += name;
    block += static_cast<char>(value.size());
    block += value;
  }
  return block;
}
inline std::string get(std::uint32_t stream, const std::string& path = "/", std::uint8_t flags = 5) {
  return frame(1, flags, stream,
               literal({{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", path}}));
}
inline const std::string kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0);

// A server that answers each request by a coroutine.
class TestServer final : public ConnectionOwner {
 public:
  struct Stream final : http2::Stream {
    struct State {
      http::RequestHead request;
      http::ResponseHead response;
      base::Arena arena;
    };
    explicit Stream(std::unique_ptr<State> with)
        : http2::Stream(with->request, with->response, with->arena), state(std::move(with)) {}
    std::unique_ptr<State> state;
  };

  TestServer(net::TcpStream stream, const Settings& settings = {})
      : stream_(std::move(stream)), connection(Role::server, shared, settings, stream_, *this) {
    group.spawn(run());
  }
  http2::Stream* begin_request() override {
    ++begun;
    return new Stream(std::make_unique<Stream::State>());
  }
  void serve(http2::Stream& stream, const FieldVerdict& verdict) override {
    ++(verdict.kind == FieldVerdict::Kind::malformed ? malformed : served);
    group.spawn(answer(std::unique_ptr<Stream>(static_cast<Stream*>(&stream)), verdict));
  }
  void discard(http2::Stream& stream) override { delete static_cast<Stream*>(&stream); }
  void on_streams_changed() override {}

  // "/echo": the body; "/N": N bytes; "/wait": nothing.
  net::Task<void> answer(std::unique_ptr<Stream> stream, FieldVerdict verdict);
  net::Task<void> run() {
    co_await connection.run();
    stream_.close();
    ended = true;
  }

  net::TcpStream stream_;
  Shared shared;
  Connection connection;
  net::TaskGroup group;
  int begun = 0, served = 0, malformed = 0, failed = 0;
  bool ended = false;
};

inline net::Task<void> TestServer::answer(std::unique_ptr<Stream> stream, FieldVerdict verdict) {
  std::string path(stream->state->request.path), body;
  FieldList& fields = shared.fields();
  if (verdict.kind != FieldVerdict::Kind::fine) {
    fields.status(verdict.status);
    stream->send_head(fields, true);
    co_return;
  }
  if (path == "/wait") {
    net::TaskContext& context = co_await net::this_context();
    stream->cancel_when_reset(&context);
    static_cast<void>(co_await net::sleep_for(60s));
    ++failed;
    co_return;
  }
  bool last = false;
  while (!last) {
    StreamWait wait = stream->wait_input(net::Reactor::current().now() + 10s);
    base::Result<void> waited = co_await wait;
    base::Result<http::BodyPiece> piece = stream->take();
    if (!waited || !piece) {
      ++failed;
      co_return;
    }
    body += piece->data;
    last = piece->last;
  }
  if (path != "/echo") body.assign(std::strtoul(path.c_str() + 1, nullptr, 10), 'x');
  fields.clear();
  fields.status(200);
  stream->send_head(fields, body.empty());
  if (body.empty()) co_return;
  FieldList trailers;
  std::string sum = std::to_string(body.size());
  trailers.add("x-sum", sum);
  stream->send(body, true, stream->trailers().empty() ? nullptr : &trailers);
  StreamWait sent = stream->wait_sent(10s);
  base::Result<void> done = co_await sent;
  if (!done || !stream->all_sent()) ++failed;
}

class H2Test : public testing::Test {
 protected:
  H2Test() { reactor_.adopt_thread(); }
  struct Pair {
    net::TcpStream left, right;
  };
  static Pair stream_pair() {
    int fds[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    return {net::TcpStream::adopt(fds[0]), net::TcpStream::adopt(fds[1])};
  }
  void run(base::FunctionRef<bool()> until, base::Nanoseconds limit = 10s) {
    auto give_up = base::now() + limit;
    while (!until() && base::now() < give_up) reactor_.run_once(base::now() + 10ms);
  }
  void join(net::TaskGroup& group) {
    group.cancel();
    run([&] { return group.size() == 0; });
    EXPECT_EQ(group.size(), 0u);
  }
  net::Reactor reactor_;
};

}  // namespace weir::http2
