// Two sides that shake hands and speak, and how it went.
#pragma once

#include "tests/unit/tls/pair.h"
#include "tls/connect.h"
#include "tls/handshake.h"
#include "tls/stream.h"

namespace weir::tls {

struct Sides {
  base::Result<Accepted> accepted = base::fail(base::ErrorCode::io, "not tried");
  base::Result<void> connected;
  std::string version, protocol, name;
  bool resumed = false;
};

inline net::Task<void> accept_and_echo(net::TcpStream& stream, const ServerContext& context, std::size_t expected,
                                       base::TimePoint deadline, Sides& sides) {
  sides.accepted = co_await accept(stream, context, deadline);
  if (sides.accepted != Accepted::established) {
    stream.close();
    co_return;
  }
  ConnectionFacts facts = ConnectionFacts::of(stream);
  std::vector<char> buffer(100'000);
  std::string all;
  while (all.size() < expected) {
    base::Result<std::size_t> got = co_await stream.read(buffer, deadline);
    if (!got || *got == 0) break;
    all.append(buffer.data(), *got);
  }
  base::Result<void> written = co_await stream.write(all, std::chrono::seconds(10));
  EXPECT_TRUE(written);
  stream.close();
  // The facts outlive the stream.
  sides.version = facts.version();
  sides.protocol = facts.protocol();
  sides.name = facts.server_name();
  sides.resumed = facts.resumed();
}

inline net::Task<void> connect_and_send(net::TcpStream& stream, ConnectOptions options, std::string text,
                                        std::string& echo, Sides& sides) {
  base::TimePoint deadline = options.deadline;
  sides.connected = co_await connect(stream, std::move(options));
  if (!sides.connected) {
    stream.close();
    co_return;
  }
  std::array<std::string_view, 3> pieces{"", std::string_view(text).substr(0, text.size() / 3),
                                         std::string_view(text).substr(text.size() / 3)};
  base::Result<void> written = co_await stream.write(pieces, std::chrono::seconds(10));
  EXPECT_TRUE(written);
  std::vector<char> buffer(10'000);
  while (echo.size() < text.size()) {
    base::Result<std::size_t> got = co_await stream.read(buffer, deadline);
    if (!got || *got == 0) break;
    echo.append(buffer.data(), *got);
  }
  stream.close();
}

class Handshake : public TlsTest {
 protected:
  std::unique_ptr<ServerContext> server(ServerOptions options) {
    if (options.certificates.empty()) options.certificates.push_back(certificate_of(site_));
    auto made = ServerContext::make(library_, std::move(options));
    EXPECT_TRUE(made) << made.error();
    return std::move(*made);
  }
  std::shared_ptr<ClientContexts> client(ClientOptions options) {
    if (options.authorities.empty()) options.authorities = site_.cert;
    auto made = ClientContext::make(library_, std::move(options));
    EXPECT_TRUE(made) << made.error();
    auto contexts = std::make_shared<ClientContexts>();
    contexts->of_thread.push_back(std::move(*made));
    return contexts;
  }
  Sides talk(const ServerContext& context, std::shared_ptr<ClientContexts> contexts, std::string text = "hello",
             std::string host = "site.example") {
    Sides sides;
    auto [server_end, client_end] = connected();
    net::TaskGroup group;
    echo_.clear();
    ConnectOptions options{
        .contexts = std::move(contexts), .thread = 0, .host = host, .peer = "peer", .deadline = soon()};
    group.spawn(accept_and_echo(server_end, context, text.size(), soon(), sides));
    group.spawn(connect_and_send(client_end, std::move(options), std::move(text), echo_, sides));
    run(group);
    return sides;
  }

  PemPair site_ = make_pair("site.example", "DNS:site.example,DNS:*.site.example");
  Library library_;
  std::string echo_;
};

}  // namespace weir::tls
