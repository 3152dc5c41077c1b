#include "tls/handshake.h"

#include "tests/unit/tls/pair.h"
#include "tls/connect.h"
#include "tls/stream.h"

namespace weir::tls {
namespace {

struct Sides {
  Accepted accepted = Accepted::failed;
  base::Error refused{.code = base::ErrorCode::io};
  base::Result<void> connected;
  std::string version, protocol, name;
  bool resumed = false;
};

net::Task<void> accept_and_echo(net::TcpStream& stream, const ServerContext& context, std::size_t expected,
                                base::TimePoint deadline, Sides& sides) {
  sides.accepted = co_await accept(stream, context, deadline, sides.refused);
  if (sides.accepted != Accepted::established) {
    stream.close();
    co_return;
  }
  sides.version = version(stream);
  sides.protocol = protocol(stream);
  sides.name = server_name(stream);
  sides.resumed = resumed(stream);
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
}

net::Task<void> connect_and_send(net::TcpStream& stream, ConnectOptions options, std::string text, std::string& echo,
                                 Sides& sides) {
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

TEST_F(Handshake, CarriesBytesBothWays) {
  auto context = server({.alpn = {"http/1.1"}});
  Sides sides = talk(*context, client({.alpn = {"h2", "http/1.1"}}));
  EXPECT_EQ(sides.accepted, Accepted::established);
  EXPECT_EQ(echo_, "hello");
  EXPECT_EQ(sides.version, "TLSv1.3");
  EXPECT_EQ(sides.protocol, "http/1.1");
  EXPECT_EQ(sides.name, "site.example");
  EXPECT_FALSE(sides.resumed);
}

TEST_F(Handshake, KnowsForWhomElseTheSameCertificateIsShown) {
  auto other = certificate_of(make_pair("other.example", "DNS:other.example"));
  auto context = server({.certificates = {certificate_of(site_), other}});
  EXPECT_TRUE(context->serves_alike("site.example", "www.site.example"));
  EXPECT_TRUE(context->serves_alike("site.example", "nobody.example"));  // the default
  EXPECT_TRUE(context->serves_alike("nobody.example", "SITE.example."));
  EXPECT_FALSE(context->serves_alike("site.example", "other.example"));
  EXPECT_FALSE(context->serves_alike("other.example", "nobody.example"));
  auto strict = server({.certificates = {certificate_of(site_), other}, .strict_sni = true});
  EXPECT_TRUE(strict->serves_alike("site.example", "www.site.example"));
  EXPECT_FALSE(strict->serves_alike("site.example", "nobody.example"));
}

TEST_F(Handshake, CarriesMoreThanTheSocketTakesAtOnce) {
  auto context = server({});
  std::string text;
  for (int i = 0; i < 300'000; ++i) text += std::to_string(i);
  talk(*context, client({}), text);
  EXPECT_TRUE(echo_ == text) << echo_.size() << " of " << text.size();
}

net::Task<void> fill_and_finish(net::TcpStream& stream, const ServerContext& context, base::TimePoint deadline,
                                std::size_t& bytes, bool& full) {
  base::Error error{.code = base::ErrorCode::io};
  if (co_await accept(stream, context, deadline, error) != Accepted::established) co_return;
  std::string piece(1000, 'x');
  // Whatever the socket takes, and one piece more: what waits is written by the next one.
  while (stream.descriptor().writable) {
    base::Result<void> written = co_await stream.write(piece, std::chrono::milliseconds(1));
    bytes += piece.size();
    if (!written) break;
  }
  full = !stream.descriptor().writable;
  stream.announce_end();
  base::Result<void> written = co_await stream.write(std::string_view(), std::chrono::seconds(10));
  EXPECT_TRUE(written);
  stream.close();
}

net::Task<void> read_late(net::TcpStream& stream, ConnectOptions options, const bool& full, std::size_t& bytes,
                          base::Result<std::size_t>& last) {
  base::TimePoint deadline = options.deadline;
  base::Result<void> ready = co_await connect(stream, std::move(options));
  EXPECT_TRUE(ready);
  while (ready && !full) ready = co_await net::sleep_for(std::chrono::milliseconds(1));
  std::vector<char> buffer(10'000);
  do {
    last = co_await stream.read(buffer, deadline);
    if (last) bytes += *last;
  } while (last && *last > 0);
  stream.close();
}

TEST_F(Handshake, TheEndReachesAPeerWhoseSocketWasFull) {
  auto context = server({});
  auto [server_end, client_end] = connected();
  net::TaskGroup group;
  std::size_t sent = 0, got = 0;
  bool full = false;
  base::Result<std::size_t> last = 1;
  ConnectOptions options{
      .contexts = client({}), .thread = 0, .host = "site.example", .peer = "peer", .deadline = soon()};
  group.spawn(fill_and_finish(server_end, *context, soon(), sent, full));
  group.spawn(read_late(client_end, std::move(options), full, got, last));
  run(group);
  EXPECT_TRUE(full);
  EXPECT_EQ(got, sent);
  EXPECT_TRUE(last && *last == 0) << "not an announced end";
}

TEST_F(Handshake, ResumesByTicketWithAKeyOfTheRing) {
  auto ring = std::make_shared<TicketKeyRing>();
  auto context = server({.tickets = ring});
  auto contexts = client({});
  EXPECT_FALSE(talk(*context, contexts).resumed);
  EXPECT_TRUE(talk(*context, contexts).resumed);
  EXPECT_TRUE(talk(*context, contexts).resumed);
  EXPECT_TRUE(talk(*context, contexts).resumed);
  ring->rotate();
  EXPECT_TRUE(talk(*context, contexts).resumed);
  for (int i = 0; i < 3; ++i) ring->rotate();
  EXPECT_FALSE(talk(*context, contexts).resumed);
}

TEST_F(Handshake, DoesNotResumeASessionOfAnotherScope) {
  auto ring = std::make_shared<TicketKeyRing>();
  auto first = server({.tickets = ring, .scope = "one"});
  auto second = server({.tickets = ring, .scope = "two"});
  auto contexts = client({});
  EXPECT_FALSE(talk(*first, contexts).resumed);
  EXPECT_FALSE(talk(*second, contexts).resumed);
}

// Of the server's side, as its tickets see it.
std::int64_t present = 0;
std::int64_t unix_time_of_test() { return present; }

TEST_F(Handshake, ASessionEndsSevenDaysAfterItsFullHandshakeHoweverOftenItIsRenewed) {
  for (int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    present = std::time(nullptr);
    auto context = server({.tickets = std::make_shared<TicketKeyRing>(), .unix_time = unix_time_of_test});
    auto contexts = client({.max_version = version});
    EXPECT_FALSE(talk(*context, contexts).resumed);
    for (int day = 1; day < 7; ++day) {
      present += 86'400;
      EXPECT_TRUE(talk(*context, contexts).resumed) << day;
    }
    present += 86'400;
    EXPECT_FALSE(talk(*context, contexts).resumed);
    EXPECT_TRUE(talk(*context, contexts).resumed) << "the full handshake brought a new ticket";
  }
}

TEST_F(Handshake, ASessionEndsWithTheCertificateThatTheClientHasShown) {
  PemPair person = make_pair("somebody", "", false, -86'400, 2);
  for (int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    present = std::time(nullptr);
    auto context = server({.client = ClientCertificates::require,
                           .client_authorities = person.cert,
                           .tickets = std::make_shared<TicketKeyRing>(),
                           .unix_time = unix_time_of_test});
    auto contexts = client({.certificate = certificate_of(person), .max_version = version});
    EXPECT_FALSE(talk(*context, contexts).resumed);
    present += 86'400 - 60;
    EXPECT_TRUE(talk(*context, contexts).resumed);
    present += 120;
    EXPECT_FALSE(talk(*context, contexts).resumed);
  }
}

net::Task<void> connect_with(net::TcpStream& stream, SSL* ssl, base::TimePoint deadline) {
  stream.descriptor().set_filter(std::make_unique<Stream>(ssl));
  base::Error error{.code = base::ErrorCode::io};
  while (true) {
    Stream::Step step = Stream::of(stream.descriptor()).shake_hands(stream.descriptor(), nullptr, error);
    if (step == Stream::Step::failed || step == Stream::Step::done) break;
    base::Result<void> ready = co_await stream.wait_readable(deadline);
    if (!ready) break;
  }
  // A ticket of TLS 1.3 comes behind the handshake.
  base::Result<void> written = co_await stream.write("hello", std::chrono::seconds(10));
  std::array<char, 16> buffer;
  base::Result<std::size_t> got = co_await stream.read(buffer, deadline);
  EXPECT_TRUE(written && got && *got == 5);
}

TEST_F(Handshake, ResumesForTheServerNameOnlyThatTheSessionWasMadeFor) {
  for (int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    auto context = server({.tickets = std::make_shared<TicketKeyRing>()});
    OwnedContext with(SSL_CTX_new(TLS_client_method()));
    SSL_CTX_set_max_proto_version(with.get(), version);
    SSL_CTX_set_session_cache_mode(with.get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
    OwnedSession session;
    // A client that offers the session of its last connection whatever it asks for.
    auto ask_for = [&](const char* name) {
      Sides sides;
      auto [server_end, client_end] = connected();
      SSL* ssl = SSL_new(with.get());
      SSL_set_connect_state(ssl);
      if (*name != '\0') SSL_set_tlsext_host_name(ssl, name);
      if (session != nullptr) SSL_set_session(ssl, session.get());
      SSL_up_ref(ssl);
      net::TaskGroup group;
      group.spawn(accept_and_echo(server_end, *context, 5, soon(), sides));
      group.spawn(connect_with(client_end, ssl, soon()));
      run(group);
      session.reset(SSL_get1_session(ssl));
      SSL_free(ssl);
      return sides;
    };
    EXPECT_FALSE(ask_for("a.site.example").resumed);
    EXPECT_TRUE(ask_for("a.site.example").resumed);
    EXPECT_FALSE(ask_for("b.site.example").resumed) << "the same certificate, another name";
    EXPECT_FALSE(ask_for("").resumed);
    EXPECT_TRUE(ask_for("").resumed);
    EXPECT_FALSE(ask_for("nobody.example").resumed);
    Sides again = ask_for("nobody.example");
    EXPECT_TRUE(again.resumed);
    EXPECT_EQ(again.name, "nobody.example") << "a name without a certificate of its own is not forgotten";
  }
}

TEST_F(Handshake, RefusesANameThatTheCertificateDoesNotHave) {
  auto context = server({});
  Sides sides = talk(*context, client({}), "hello", "other.example");
  ASSERT_FALSE(sides.connected);
  EXPECT_STREQ(sides.connected.error().what, "hostname mismatch");
  EXPECT_EQ(sides.connected.error().side, base::Side::backend);
}

TEST_F(Handshake, ResumesNoSessionThatWasMadeForAnotherName) {
  auto context = server({.tickets = std::make_shared<TicketKeyRing>()});
  auto contexts = client({});
  ASSERT_TRUE(talk(*context, contexts).connected);
  Sides other = talk(*context, contexts, "hello", "other.example");
  ASSERT_FALSE(other.connected) << "the same address is no proof of the name";
  EXPECT_STREQ(other.connected.error().what, "hostname mismatch");
  EXPECT_FALSE(talk(*context, contexts, "hello", "deep.site.example").resumed);
  EXPECT_TRUE(talk(*context, contexts).resumed);
}

TEST_F(Handshake, LooksAtACertificateAgainWhenItHasEnded) {
  constexpr long kSecondsLeft = 2;
  site_ = make_pair("site.example", "DNS:site.example", false, kSecondsLeft - 86'400, 1);
  auto context = server({.tickets = std::make_shared<TicketKeyRing>()});
  auto contexts = client({});
  ASSERT_TRUE(talk(*context, contexts).connected);
  std::time_t end = std::time(nullptr) + kSecondsLeft;
  while (std::time(nullptr) <= end) {
    // Every connection brings a new ticket.
    talk(*context, contexts);
    reactor_.run_once(base::now() + std::chrono::milliseconds(50));
  }
  Sides late = talk(*context, contexts);
  ASSERT_FALSE(late.connected);
  EXPECT_STREQ(late.connected.error().what, "certificate has expired");
}

TEST_F(Handshake, RefusesACertificateOfAnUnknownAuthority) {
  auto context = server({});
  PemPair stranger = make_pair("site.example", "DNS:site.example");
  Sides sides = talk(*context, client({.authorities = stranger.cert}));
  ASSERT_FALSE(sides.connected);
  EXPECT_TRUE(talk(*context, client({.verify = false})).connected);
}

TEST_F(Handshake, StrictSniRefusesOtherNames) {
  auto context = server({.strict_sni = true});
  EXPECT_TRUE(talk(*context, client({}), "hello", "deep.site.example").connected);
  EXPECT_FALSE(talk(*context, client({.verify = false}), "hello", "a.deep.site.example").connected);
  EXPECT_FALSE(talk(*context, client({.verify = false}), "hello", "127.0.0.1").connected);
}

TEST_F(Handshake, AsksForAClientsCertificate) {
  PemPair person = make_pair("somebody", "URI:spiffe://example/somebody,DNS:some\\,body");
  auto context = server({.client = ClientCertificates::require, .client_authorities = person.cert});
  Sides without = talk(*context, client({}));
  EXPECT_EQ(without.accepted, Accepted::failed);
  Sides with = talk(*context, client({.certificate = certificate_of(person)}));
  EXPECT_EQ(with.accepted, Accepted::established);
  Sides stranger = talk(*context, client({.certificate = certificate_of(make_pair("else", ""))}));
  EXPECT_EQ(stranger.accepted, Accepted::failed);
}

// Writes `pieces` pieces of `bytes` each, with new keys for each of them.
net::Task<void> rekey_and_send(net::TcpStream& stream, ConnectOptions options, std::size_t pieces, std::size_t bytes) {
  base::Result<void> done = co_await connect(stream, std::move(options));
  EXPECT_TRUE(done);
  std::string text(bytes, 'x');
  for (std::size_t i = 0; i < pieces && done; ++i) {
    EXPECT_EQ(SSL_key_update(Stream::of(stream.descriptor()).ssl(), SSL_KEY_UPDATE_NOT_REQUESTED), 1);
    done = co_await stream.write(text, std::chrono::seconds(10));
  }
  stream.finish_writing();
}

net::Task<void> accept_and_count(net::TcpStream& stream, const ServerContext& context, base::TimePoint deadline,
                                 std::size_t& received, std::optional<base::Error>& failure) {
  base::Error refused{.code = base::ErrorCode::io};
  Accepted accepted = co_await accept(stream, context, deadline, refused);
  EXPECT_EQ(accepted, Accepted::established);
  std::vector<char> buffer(10'000);
  while (accepted == Accepted::established) {
    base::Result<std::size_t> got = co_await stream.read(buffer, deadline);
    if (!got) failure = got.error();
    if (!got || *got == 0) break;
    received += *got;
  }
  stream.close();
}

TEST_F(Handshake, NewKeysWithoutEndEndTheConnection) {
  auto context = server({});
  for (std::size_t bytes : {1, 1000}) {
    auto [server_end, client_end] = connected();
    net::TaskGroup group;
    std::size_t received = 0;
    std::optional<base::Error> failure;
    ConnectOptions options{.contexts = client({}), .host = "site.example", .peer = "peer", .deadline = soon()};
    group.spawn(accept_and_count(server_end, *context, soon(), received, failure));
    group.spawn(rekey_and_send(client_end, std::move(options), 500, bytes));
    run(group);
    if (bytes == 1) {
      ASSERT_TRUE(failure) << "after " << received << " bytes";
      EXPECT_EQ(failure->code, base::ErrorCode::protocol);
      EXPECT_STREQ(failure->what, "too many TLS records that carry nothing");
    } else {
      EXPECT_FALSE(failure);
      EXPECT_EQ(received, 500 * bytes);
    }
  }
}

net::Task<void> say(net::TcpStream& stream, std::string text) {
  base::Result<void> written = co_await stream.write(text, std::chrono::seconds(1));
  EXPECT_TRUE(written);
}

TEST_F(Handshake, TellsHttpWithoutTlsFromOtherBytes) {
  auto context = server({});
  for (auto [text, expected] : {std::pair("DELETE / HTTP/1.1\r\n\r\n", Accepted::plain_http),
                                std::pair("\x80\x2e\x01 SSLv2", Accepted::failed)}) {
    Sides sides;
    auto [server_end, client_end] = connected();
    net::TaskGroup group;
    group.spawn(accept_and_echo(server_end, *context, 0, soon(), sides));
    group.spawn(say(client_end, text));
    run(group);
    EXPECT_EQ(sides.accepted, expected);
  }
}

}  // namespace
}  // namespace weir::tls
