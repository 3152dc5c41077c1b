// When a session may be resumed, on the server's side and on the client's.
#include "tests/unit/tls/handshake_fixture.h"

namespace weir::tls {
namespace {

class Resumption : public Handshake {};

TEST_F(Resumption, ResumesByTicketWithAKeyOfTheRing) {
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

TEST_F(Resumption, DoesNotResumeASessionOfAnotherScope) {
  auto ring = std::make_shared<TicketKeyRing>();
  auto first = server({.tickets = ring, .scope = "one"});
  auto second = server({.tickets = ring, .scope = "two"});
  auto contexts = client({});
  EXPECT_FALSE(talk(*first, contexts).resumed);
  EXPECT_FALSE(talk(*second, contexts).resumed);
}

// Accepts and says nothing; `kept`: bytes that wait for the first answer.
net::Task<void> accept_only(net::TcpStream& stream, const ServerContext& context, base::TimePoint deadline,
                            std::size_t& kept) {
  base::Result<Accepted> accepted = co_await accept(stream, context, deadline);
  EXPECT_TRUE(accepted && *accepted == Accepted::established);
  kept = Stream::of(stream.descriptor()).unsent_bytes();
  stream.close();
}

net::Task<void> connect_and_read_end(net::TcpStream& stream, ConnectOptions options) {
  base::TimePoint deadline = options.deadline;
  base::Result<void> connected = co_await connect(stream, std::move(options));
  EXPECT_TRUE(connected);
  std::array<char, 16> buffer;
  base::Result<std::size_t> got = co_await stream.read(buffer, deadline);
  EXPECT_TRUE(got && *got == 0);
  stream.close();
}

TEST_F(Resumption, ATicketOfTls13WaitsForTheFirstAnswerOrTheEnd) {
  auto context = server({.tickets = std::make_shared<TicketKeyRing>()});
  auto contexts = client({});
  auto [server_end, client_end] = connected();
  std::size_t kept = 0;
  net::TaskGroup group;
  group.spawn(accept_only(server_end, *context, soon(), kept));
  ConnectOptions options{.contexts = contexts, .thread = 0, .host = "site.example", .peer = "peer", .deadline = soon()};
  group.spawn(connect_and_read_end(client_end, std::move(options)));
  run(group);
  EXPECT_GT(kept, 0u);
  EXPECT_TRUE(talk(*context, contexts).resumed) << "by the ticket that came before the end";
}

// Of the server's side, as its tickets see it.
std::int64_t present = 0;
std::int64_t unix_time_of_test() { return present; }

TEST_F(Resumption, ASessionEndsSevenDaysAfterItsFullHandshakeHoweverOftenItIsRenewed) {
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

TEST_F(Resumption, ASessionEndsWithTheCertificateThatTheClientHasShown) {
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

TEST_F(Resumption, ResumesForTheServerNameOnlyThatTheSessionWasMadeFor) {
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

TEST_F(Resumption, ResumesNoSessionThatWasMadeForAnotherName) {
  auto context = server({.tickets = std::make_shared<TicketKeyRing>()});
  auto contexts = client({});
  ASSERT_TRUE(talk(*context, contexts).connected);
  Sides other = talk(*context, contexts, "hello", "other.example");
  ASSERT_FALSE(other.connected) << "the same address is no proof of the name";
  EXPECT_STREQ(other.connected.error().what,
               "the backend's certificate is for another name: hostname mismatch (tls.sni)");
  EXPECT_FALSE(talk(*context, contexts, "hello", "deep.site.example").resumed);
  EXPECT_TRUE(talk(*context, contexts).resumed);
}

TEST_F(Resumption, LooksAtACertificateAgainWhenItHasEnded) {
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
  EXPECT_STREQ(late.connected.error().what, "the backend's certificate has expired");
}

}  // namespace
}  // namespace weir::tls
