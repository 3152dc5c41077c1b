#include "tls/handshake.h"

#include "tests/unit/tls/handshake_fixture.h"

namespace weir::tls {
namespace {

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
  base::Result<Accepted> accepted = co_await accept(stream, context, deadline);
  if (accepted != Accepted::established) co_return;
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

TEST_F(Handshake, RefusesANameThatTheCertificateDoesNotHave) {
  auto context = server({});
  Sides sides = talk(*context, client({}), "hello", "other.example");
  ASSERT_FALSE(sides.connected);
  EXPECT_STREQ(sides.connected.error().what,
               "the backend's certificate is for another name: hostname mismatch (tls.sni)");
  EXPECT_EQ(sides.connected.error().side, base::Side::backend);
}

TEST_F(Handshake, RefusesACertificateOfAnUnknownAuthority) {
  auto context = server({});
  PemPair stranger = make_pair("site.example", "DNS:site.example");
  Sides sides = talk(*context, client({.authorities = stranger.cert}));
  ASSERT_FALSE(sides.connected);
  EXPECT_TRUE(talk(*context, client({.verify = false})).connected);
}

TEST_F(Handshake, TakesNoMemoryOfOpenSslBeforeTheFirstByte) {
  auto context = server({});
  auto [server_end, client_end] = connected();
  net::TaskGroup group;
  Sides sides;
  group.spawn(accept_and_echo(server_end, *context, 5, soon(), sides));
  for (int i = 0; i < 5; ++i) reactor_.run_once(base::now());
  EXPECT_FALSE(server_end.is_filtered());
  ConnectOptions options{
      .contexts = client({}), .thread = 0, .host = "site.example", .peer = "peer", .deadline = soon()};
  std::string echo;
  group.spawn(connect_and_send(client_end, std::move(options), "hello", echo, sides));
  run(group);
  EXPECT_EQ(echo, "hello");
}

TEST_F(Handshake, WaitsForTheFirstByteUntilItsDeadline) {
  auto context = server({});
  auto [server_end, client_end] = connected();
  net::TaskGroup group;
  Sides sides;
  group.spawn(accept_and_echo(server_end, *context, 5, base::now() + std::chrono::milliseconds(20), sides));
  run(group);
  ASSERT_FALSE(sides.accepted);
  EXPECT_EQ(sides.accepted.error().code, base::ErrorCode::timeout);
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
  EXPECT_FALSE(without.accepted);
  Sides with = talk(*context, client({.certificate = certificate_of(person)}));
  EXPECT_EQ(with.accepted, Accepted::established);
  Sides stranger = talk(*context, client({.certificate = certificate_of(make_pair("else", ""))}));
  EXPECT_FALSE(stranger.accepted);
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
  base::Result<Accepted> accepted = co_await accept(stream, context, deadline);
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
  for (auto [text, is_http] : {std::pair("DELETE / HTTP/1.1\r\n\r\n", true), std::pair("\x80\x2e\x01 SSLv2", false)}) {
    Sides sides;
    auto [server_end, client_end] = connected();
    net::TaskGroup group;
    group.spawn(accept_and_echo(server_end, *context, 0, soon(), sides));
    group.spawn(say(client_end, text));
    run(group);
    EXPECT_EQ(sides.accepted == Accepted::plain_http, is_http);
    EXPECT_EQ(sides.accepted.has_value(), is_http);
  }
}

}  // namespace
}  // namespace weir::tls
