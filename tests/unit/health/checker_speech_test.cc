// The words of checkers to a backend besides the question itself, and what they take of its answers.
#include <cstring>
#include <future>
#include <map>
#include <netinet/in.h>
#include <optional>
#include <string>

#include "gtest/gtest.h"

#include "health/checker.h"
#include "health/probe_connection.h"
#include "net/listener.h"
#include "net/proxy_protocol.h"
#include "net/task_group.h"
#include "tests/support/scripted_server.h"

namespace weir::health {
namespace {

using namespace std::chrono_literals;
using test::ScriptedConnection;
using test::ScriptedServer;

constexpr base::Nanoseconds kLong = 20s;

net::Task<void> check_into(Checker& checker, CheckTarget target, std::optional<CheckResult>& result) {
  result = co_await checker.check(target);
}

class SpeechTest : public testing::Test {
 protected:
  SpeechTest() { reactor_.adopt_thread(); }
  static CheckTarget target(const base::SocketAddress& address, base::Nanoseconds timeout) {
    return {.address = address, .host = "backend.example", .path = {}, .timeout = timeout};
  }

  net::Reactor reactor_;
  net::TaskGroup group_;
};

class EverySpeech : public SpeechTest, public testing::WithParamInterface<std::string> {};

TEST_P(EverySpeech, BeginsWithTheProxyHeaderOfThePool) {
  using enum config::SendProxy;
  for (config::SendProxy version : {v1, v2, v2_checksum}) {
    std::promise<std::string> heard;
    ScriptedServer server([&](ScriptedConnection& connection) {
      std::string header = connection.read_bytes(version == v1 ? 2 : version == v2 ? 16 : 23);
      while (version == v1 && !header.ends_with("\r\n")) {
        std::string byte = connection.read_bytes(1);
        if (byte.empty()) break;
        header += byte;
      }
      heard.set_value(header);
    });
    std::unique_ptr<Checker> one = make_checker({.name = GetParam(), .options = {}});
    std::optional<CheckResult> result;
    CheckTarget aim = target(server.address(), kLong);
    aim.proxy_protocol = version;
    group_.spawn(check_into(*one, aim, result));
    while (!result) reactor_.run_once(base::TimePoint::max());
    std::string bytes = heard.get_future().get();
    net::ProxyHeader header = net::parse_proxy_header(bytes);
    EXPECT_EQ(header.state, net::ProxyHeader::State::complete) << bytes;
    EXPECT_EQ(header.source.has_value(), version == v1) << "version 2 says LOCAL";
    if (header.source) EXPECT_EQ(header.source->ip.to_string(), "127.0.0.1");
  }
}

// Datagrams to backends have no such header.
INSTANTIATE_TEST_SUITE_P(Checkers, EverySpeech, testing::Values("tcp", "http", "grpc"),
                         [](const auto& info) { return info.param; });

// Servers log a reset as an error, python3 -m http.server with a traceback.
TEST_F(SpeechTest, ATcpProbeEndsInOrder) {
  std::promise<bool> in_order;
  ScriptedServer server([&](ScriptedConnection& connection) { in_order.set_value(connection.ends_in_order()); });
  std::unique_ptr<Checker> tcp = make_checker({.name = "tcp", .options = {}});
  std::optional<CheckResult> result;
  group_.spawn(check_into(*tcp, target(server.address(), kLong), result));
  while (!result) reactor_.run_once(base::TimePoint::max());
  EXPECT_TRUE(in_order.get_future().get());
}

TEST_F(SpeechTest, AUdpCheckLooksAtEveryReplyThatIsQueued) {
  int server = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_in any{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
  bind(server, reinterpret_cast<sockaddr*>(&any), sizeof any);
  config::Choice choice{.name = "udp", .options = {{"expected", std::string("yes")}}};
  std::unique_ptr<Checker> one = make_checker(choice);
  std::optional<CheckResult> result;
  group_.spawn(check_into(*one, target(net::local_address(server), kLong), result));
  // The probe has asked and waits. Both replies are there before it looks.
  sockaddr_in client{};
  socklen_t size = sizeof client;
  char question;
  ASSERT_GE(recvfrom(server, &question, 1, 0, reinterpret_cast<sockaddr*>(&client), &size), 0);
  for (const char* reply : {"not yet", "yes"}) {
    sendto(server, reply, strlen(reply), 0, reinterpret_cast<sockaddr*>(&client), size);
  }
  while (!result) reactor_.run_once(base::TimePoint::max());
  EXPECT_EQ(result->error, "");
  ::close(server);
}

// A frame of SETTINGS, and on stream 1 a head with that indexed field (RFC 7541 A) and a body.
std::string h2_answer(char status, const std::string& body) {
  return std::string("\0\0\0\4\0\0\0\0\0", 9) + std::string("\0\0\1\1\4\0\0\0\1", 9) + status + std::string("\0\0", 2) +
         static_cast<char>(body.size()) + std::string("\0\1\0\0\0\1", 6) + body;
}

class HttpCheckerOverH2 : public SpeechTest {
 protected:
  CheckResult h2(std::string response, decltype(config::Choice::options) options, config::PoolProtocol protocol) {
    ScriptedServer server([this, response](ScriptedConnection& connection) {
      preface_ = connection.read_head();
      connection.send_text(response);
      connection.hang();
    });
    std::unique_ptr<Checker> one = make_checker({.name = "http", .options = std::move(options)});
    std::optional<CheckResult> result;
    CheckTarget aim = target(server.address(), kLong);
    aim.protocol = protocol;
    group_.spawn(check_into(*one, aim, result));
    while (!result) reactor_.run_once(base::TimePoint::max());
    return *result;
  }
  std::string preface_;
};

constexpr char kStatus200 = '\x88';
constexpr char kStatus404 = '\x8d';

TEST_F(HttpCheckerOverH2, SpeaksHttp2WhereThePoolDoes) {
  EXPECT_EQ(h2(h2_answer(kStatus200, "ok"), {}, config::PoolProtocol::h2).error, "");
  EXPECT_TRUE(preface_.starts_with("PRI * HTTP/2.0\r\n")) << preface_;
  EXPECT_EQ(h2(h2_answer(kStatus404, ""), {}, config::PoolProtocol::h2).error, "status 404, expected 200-299");
}

TEST_F(HttpCheckerOverH2, LooksForABody) {
  decltype(config::Choice::options) wants{{"expected_body", std::string("all good")}};
  EXPECT_EQ(h2(h2_answer(kStatus200, "all good!"), wants, config::PoolProtocol::h2).error, "");
  EXPECT_EQ(h2(h2_answer(kStatus200, "all bad"), wants, config::PoolProtocol::h2).error, "expected_body not found");
}

TEST_F(HttpCheckerOverH2, TheVersionOfTheCheckGoesBeforeThatOfThePool) {
  EXPECT_EQ(h2(h2_answer(kStatus200, ""), {{"version", std::string("2")}}, config::PoolProtocol::http_1_1).error, "");
  EXPECT_EQ(
      h2("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", {{"version", std::string("1.1")}}, config::PoolProtocol::h2)
          .error,
      "");
  EXPECT_TRUE(preface_.starts_with("GET /health HTTP/1.1\r\n")) << preface_;
}

TEST(AuthorityOfAProbe, HasAnIpv6AddressInBrackets) {
  base::SocketAddress address = *base::SocketAddress::parse("[::1]:8080");
  EXPECT_EQ(authority_of({.address = address, .host = "::1", .path = {}}), "[::1]:8080");
  EXPECT_EQ(authority_of({.address = address, .host = "a.example", .path = {}}), "a.example:8080");
}

}  // namespace
}  // namespace weir::health
