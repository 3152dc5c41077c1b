// A server's connection is fed with arbitrary frames: it never breaks an invariant, and always comes to an end when its
// peer has gone. The input follows the preface; its bytes arrive in pieces of the size that the first byte says.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>

#include "base/assert.h"
#include "http2/connection.h"

namespace weir::http2 {
namespace {

struct Memory {
  http::RequestHead request;
  http::ResponseHead response;
  base::Arena arena;
};

class Request final : public Stream {
 public:
  explicit Request(std::unique_ptr<Memory> memory)
      : Stream(memory->request, memory->response, memory->arena), memory_(std::move(memory)) {}

 private:
  std::unique_ptr<Memory> memory_;
};

// Answers everything with what it has received.
class EchoServer final : public ConnectionOwner {
 public:
  explicit EchoServer(int fd)
      : stream_(net::TcpStream::adopt(fd)), connection_(Role::server, shared_, settings(), stream_, *this) {
    static constexpr std::string_view kPreface{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", 33};
    connection_.feed(kPreface);
    tasks_.spawn(run());
  }
  static Settings settings() {
    Settings settings;
    settings.max_streams = 8;
    return settings;
  }
  void feed(std::string_view bytes) { connection_.feed(bytes); }
  bool ended() const { return tasks_.size() == 0; }
  net::TaskGroup& tasks() { return tasks_; }

 private:
  Stream* begin_request() override { return new Request(std::make_unique<Memory>()); }
  void serve(Stream& stream, const FieldVerdict&) override {
    tasks_.spawn(answer(std::unique_ptr<Request>(static_cast<Request*>(&stream))));
  }
  void discard(Stream& stream) override { delete static_cast<Request*>(&stream); }
  void on_streams_changed() override {}
  net::Task<void> run() {
    co_await connection_.run();
    stream_.close();
  }
  net::Task<void> answer(std::unique_ptr<Request> stream) {
    FieldList& fields = shared_.fields();
    fields.status(200);
    stream->send_head(fields, false);
    bool last = false;
    while (!last) {
      base::Result<void> waited = co_await stream->wait_input(net::Reactor::current().now() + std::chrono::seconds(1));
      base::Result<http::BodyPiece> piece = stream->take();
      if (!waited || !piece) co_return;
      last = piece->last;
      stream->send(piece->data, last);
      waited = co_await stream->wait_sent(std::chrono::seconds(1));
      if (!waited || !stream->all_sent()) co_return;
    }
  }

  net::TcpStream stream_;
  Shared shared_;
  Connection connection_;
  net::TaskGroup tasks_;
};

}  // namespace
}  // namespace weir::http2

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir;
  if (size == 0) return 0;
  net::Reactor reactor;
  reactor.adopt_thread();
  int fds[2];
  WEIR_ASSERT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
  {
    http2::EchoServer server(fds[0]);
    std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
    std::size_t piece = std::size_t{data[0]} * 16 + 1;
    char sink[65536];
    while (!input.empty() && !server.ended()) {
      std::string_view part = input.substr(0, piece);
      if (send(fds[1], part.data(), part.size(), MSG_NOSIGNAL) <= 0) break;
      input.remove_prefix(part.size());
      reactor.run_once(base::now());
      while (recv(fds[1], sink, sizeof sink, 0) > 0) {
      }
    }
    close(fds[1]);
    for (int rounds = 0; !server.ended() && rounds < 20; ++rounds) reactor.run_once(base::now());
    if (!server.ended()) server.tasks().cancel();
    for (int rounds = 0; !server.ended() && rounds < 100; ++rounds) reactor.run_once(base::now());
    WEIR_ASSERT(server.ended());
  }
  return 0;
}
