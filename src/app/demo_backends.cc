#include "app/demo_backends.h"

#include <algorithm>
#include <fmt/format.h>
#include <optional>
#include <thread>
#include <unistd.h>

#include "base/assert.h"
#include "http/h1_codec.h"
#include "http/status.h"
#include "net/listener.h"
#include "net/task_group.h"

namespace weir::app {
namespace {

using std::chrono::seconds;
constexpr base::Nanoseconds kPatience = seconds(30);
constexpr base::Nanoseconds kIdle = seconds(75);  // longer than a pool keeps its idle connections
constexpr std::size_t kBufferBytes = 16 * 1024;

struct Reply {
  std::uint16_t status = 200;
  std::string body{};
};

// The answer of a small server.
class Answerer {
 public:
  virtual ~Answerer() = default;
  virtual net::Task<Reply> answer(const http::RequestHead& head) = 0;
};

// Reads to the end of the body that begins in `bytes`; what lies behind it stays there. False when it never ends well.
net::Task<bool> skip_body(net::TcpStream& stream, std::string& bytes, http::BodyFraming framing) {
  bool chunked = framing.kind == http::BodyFraming::Kind::chunked;
  std::uint64_t left = framing.kind == http::BodyFraming::Kind::length ? framing.length : 0;
  http::ChunkedDecoder decoder;
  while (true) {
    if (chunked) {
      std::size_t used = 0;
      while (!decoder.done() && used < bytes.size()) {
        http::ChunkedDecoder::Step step = decoder.next(std::string_view(bytes).substr(used));
        if (step.error != nullptr) co_return false;
        if (step.consumed == 0) break;
        used += step.consumed;
      }
      bytes.erase(0, used);
      if (decoder.done()) co_return true;
    } else {
      std::size_t taken = std::min<std::uint64_t>(left, bytes.size());
      bytes.erase(0, taken);
      left -= taken;
      if (left == 0) co_return true;
    }
    std::size_t old = bytes.size();
    bytes.resize(old + kBufferBytes);
    base::TimePoint deadline = net::Reactor::current().now() + kPatience;
    base::Result<std::size_t> got = co_await stream.read(std::span(bytes).subspan(old), deadline);
    bytes.resize(old + got.value_or(0));
    if (got.value_or(0) == 0) co_return false;
  }
}

std::string response_text(const Reply& reply, bool head_only, bool keep) {
  return fmt::format("HTTP/1.1 {} {}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\n{}\r\n{}",
                     reply.status, http::reason_phrase(reply.status), reply.body.size(),
                     keep ? "" : "Connection: close\r\n", head_only ? "" : reply.body);
}

// Requests of one connection, one after the other.
net::Task<void> serve(net::TcpStream stream, Answerer& answerer) {
  std::string bytes;
  while (true) {
    http::RequestHead head;
    http::Parsed parsed = http::parse_request_head(bytes, {}, head);
    if (parsed.state == http::Parsed::State::incomplete) {
      std::size_t old = bytes.size();
      bytes.resize(old + kBufferBytes);
      base::TimePoint deadline = net::Reactor::current().now() + kIdle;
      base::Result<std::size_t> got = co_await stream.read(std::span(bytes).subspan(old), deadline);
      bytes.resize(old + got.value_or(0));
      if (got.value_or(0) == 0) co_return;
      continue;
    }
    if (parsed.state == http::Parsed::State::invalid) {
      Reply refusal{.status = parsed.status, .body = fmt::format("{}\n", parsed.what)};
      std::string text = response_text(refusal, false, false);
      (void)co_await stream.write(text, kPatience);
      co_return;
    }
    Reply reply = co_await answerer.answer(head);
    bool keep = head.keep_alive, head_only = head.method == "HEAD";
    http::BodyFraming framing = head.body;
    bytes.erase(0, parsed.consumed);
    bool read = co_await skip_body(stream, bytes, framing);
    if (!read) co_return;
    std::string text = response_text(reply, head_only, keep);
    base::Result<void> written = co_await stream.write(text, kPatience);
    if (!written || !keep) co_return;
  }
}

net::Task<void> accept(int fd, Answerer& answerer, net::TaskGroup& connections) {
  net::Listener listener(fd);
  while (true) {
    base::Result<net::Listener::AcceptOperation::Socket> socket = co_await listener.accept();
    if (socket) {
      connections.spawn(serve(net::TcpStream::adopt(socket->fd), answerer));
    } else if (socket.error().code == base::ErrorCode::cancelled) {
      co_return;
    } else if (socket.error().code == base::ErrorCode::exhausted) {
      (void)co_await net::sleep_for(std::chrono::milliseconds(100));
    }
  }
}

// One backend; alive while it listens.
class Sample final : public Answerer {
 public:
  explicit Sample(const DemoBackend& backend) : backend_(backend) {}

  bool alive() const { return life_ != nullptr; }
  const std::string& name() const { return backend_.name; }
  void live(int fd) {
    life_ = std::make_unique<Life>();
    life_->tasks.spawn(accept(fd, *this, life_->tasks));
  }
  // Breaks every connection; new ones are refused from now on.
  net::Task<void> die() {
    if (!life_) co_return;
    std::unique_ptr<Life> ending = std::move(life_);
    ending->tasks.cancel();
    co_await ending->tasks.join();
  }

  net::Task<Reply> answer(const http::RequestHead& head) override {
    if (head.path == "/health") co_return Reply{.body = "ok\n"};
    std::uint64_t number = ++requests_;
    std::string body = fmt::format("{}: {} {}, request {}\n", backend_.name, head.method, head.path, number);
    if (backend_.delay.count() > 0) (void)co_await net::sleep_for(backend_.delay);
    co_return Reply{.body = std::move(body)};
  }

 private:
  struct Life {
    net::TaskGroup tasks;
  };
  const DemoBackend& backend_;
  std::unique_ptr<Life> life_;
  std::uint64_t requests_ = 0;
};

}  // namespace

struct DemoBackends::Parts final : Answerer {
  explicit Parts(std::vector<DemoBackend>& backends) : described(backends) {}

  net::Task<Reply> answer(const http::RequestHead& head) override {
    for (std::size_t i = 0; i < samples.size(); ++i) {
      Sample& sample = *samples[i];
      bool kill = head.path == "/" + sample.name() + "/kill";
      bool revive = head.path == "/" + sample.name() + "/revive";
      if (!kill && !revive) continue;
      if (head.method != "POST") co_return Reply{.status = 405, .body = "POST does that\n"};
      if (kill) co_await sample.die();
      if (revive && !sample.alive()) {
        base::Result<int> fd =
            net::listen_tcp(*base::SocketAddress::parse(fmt::format("127.0.0.1:{}", described[i].port)), {});
        if (!fd) co_return Reply{.status = 503, .body = base::cause(fd.error()) + "\n"};
        sample.live(*fd);
      }
      co_return Reply{.body = fmt::format("{} is {}\n", sample.name(), sample.alive() ? "alive" : "dead")};
    }
    co_return Reply{.status = 404, .body = "POST /NAME/kill or /NAME/revive\n"};
  }

  net::Task<void> end() {
    control.cancel();
    co_await control.join();
    for (auto& sample : samples) co_await sample->die();
    reactor.stop();
  }

  std::vector<DemoBackend>& described;
  net::Reactor reactor;
  net::TaskGroup control;  // the acceptor of the control port and its connections
  net::TaskGroup ending;
  std::vector<std::unique_ptr<Sample>> samples;
  std::thread thread;
};

DemoBackends::DemoBackends(std::vector<DemoBackend> backends) : backends_(std::move(backends)) {}
DemoBackends::~DemoBackends() { WEIR_ASSERT(!parts_); }

base::Result<int> listen_on_loopback(std::uint16_t wanted) {
  base::SocketAddress address{.ip = base::IpAddress::v4({127, 0, 0, 1}), .port = wanted};
  base::Result<int> fd = net::listen_tcp(address, {});
  if (fd || wanted == 0) return fd;
  address.port = 0;
  return net::listen_tcp(address, {});
}

base::Result<void> DemoBackends::start(std::uint16_t control_port) {
  std::vector<int> sockets;
  for (std::size_t i = 0; i <= backends_.size(); ++i) {
    base::Result<int> fd = listen_on_loopback(i < backends_.size() ? backends_[i].port : control_port);
    if (!fd) {
      for (int open : sockets) close(open);
      return std::unexpected(fd.error());
    }
    sockets.push_back(*fd);
    std::uint16_t port = net::local_address(*fd).port;
    (i < backends_.size() ? backends_[i].port : control_port_) = port;
  }
  parts_ = std::make_unique<Parts>(backends_);
  parts_->thread = std::thread([parts = parts_.get(), sockets] {
    parts->reactor.adopt_thread();
    for (std::size_t i = 0; i < parts->described.size(); ++i) {
      parts->samples.push_back(std::make_unique<Sample>(parts->described[i]));
      parts->samples.back()->live(sockets[i]);
    }
    parts->control.spawn(accept(sockets.back(), *parts, parts->control));
    parts->reactor.run();
  });
  return {};
}

void DemoBackends::stop() {
  if (!parts_) return;
  parts_->reactor.post([parts = parts_.get()] { parts->ending.spawn(parts->end()); });
  parts_->thread.join();
  parts_.reset();
}

}  // namespace weir::app
