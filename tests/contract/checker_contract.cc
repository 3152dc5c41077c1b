// What every checker owes: a right verdict on good and bad backends, an end before its deadline, nothing left open.
#include <dirent.h>
#include <fmt/format.h>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "health/checker.h"
#include "net/task_group.h"
#include "tests/contract/checker_conversations.h"
#include "tests/support/datagram_echo.h"
#include "tests/support/scripted_server.h"

namespace weir::health {
namespace {

using namespace std::chrono_literals;
using test::DatagramEcho;
using test::RefusingAddress;
using test::ScriptedConnection;
using test::ScriptedServer;
using Texts = std::vector<std::string>;
using Headers = std::map<std::string, std::string>;

constexpr base::Nanoseconds kLong = 20s;
constexpr base::Nanoseconds kShort = 500ms;

net::Task<void> check_into(Checker& checker, CheckTarget target, std::optional<CheckResult>& result) {
  result = co_await checker.check(target);
}

int open_files() {
  DIR* directory = opendir("/proc/self/fd");
  int count = 0;
  while (readdir(directory) != nullptr) ++count;
  closedir(directory);
  return count;
}

class CheckerTest : public testing::Test {
 protected:
  CheckerTest() { reactor_.adopt_thread(); }

  CheckTarget target(const base::SocketAddress& address, base::Nanoseconds timeout, std::string_view path = {}) const {
    return {.address = address, .host = "backend.example", .path = path, .timeout = timeout, .tls = tls_};
  }
  CheckResult check(Checker& checker, const base::SocketAddress& address, base::Nanoseconds timeout,
                    std::string_view path = {}) {
    std::optional<CheckResult> result;
    int files = open_files();
    reactor_.run_once(base::now());
    base::TimePoint began = base::now();
    group_.spawn(check_into(checker, target(address, timeout, path), result));
    while (!result) reactor_.run_once(base::TimePoint::max());
    base::Nanoseconds took = base::now() - began;
    EXPECT_LT(took, timeout + 5s);
    EXPECT_LE(result->latency, took);
    EXPECT_EQ(result->ok, result->error.empty());
    EXPECT_LE(open_files(), files + 1) << "only the other side of the connection may be open";
    return *result;
  }
  CheckResult check(const config::Choice& choice, const base::SocketAddress& address, base::Nanoseconds timeout) {
    EXPECT_TRUE(faults_of(choice).empty());
    std::unique_ptr<Checker> checker = make_checker(choice);
    return check(*checker, address, timeout);
  }
  CheckResult http(const base::SocketAddress& address, decltype(config::Choice::options) options,
                   base::Nanoseconds timeout = kLong) {
    return check({.name = "http", .options = std::move(options)}, address, timeout);
  }
  std::string http_error(const std::string& response, decltype(config::Choice::options) options = {}) {
    ScriptedServer server(response);
    return http(server.address(), std::move(options)).error;
  }

  std::shared_ptr<const tls::ClientContexts> tls_;
  net::Reactor reactor_;
  net::TaskGroup group_;
};

// ---- every entry of checkers.def --------------------------------------------------------------------------------

class EveryChecker : public CheckerTest, public testing::WithParamInterface<std::string> {
 protected:
  EveryChecker() {
    if (traits().needs_tls) tls_ = contexts_for_backend(library_);
  }
  ~EveryChecker() override { tls_ = nullptr; }
  std::unique_ptr<Checker> checker() {
    return make_checker({.name = GetParam(), .options = conversation_of(GetParam()).options});
  }
  static const config::Traits& traits() { return config::find_entry(checkers(), GetParam())->traits; }
  static bool is_udp() { return traits().over_udp; }
  // Over TCP it speaks as the checker expects it and over UDP it answers with the datagram itself, on ports of their
  // own.
  struct Healthy {
    explicit Healthy(const char* ip = "127.0.0.1") : udp(ip), tcp(conversation_of(GetParam()).script, ip) {}
    base::SocketAddress address() const { return is_udp() ? udp.address() : tcp.address(); }
    DatagramEcho udp;
    ScriptedServer tcp;
  };

  tls::Library library_;
};

TEST_P(EveryChecker, SaysWhatItIsAndDeclaresItsDefaults) {
  for (const config::KindEntry& entry : checkers()) {
    EXPECT_FALSE(entry.summary.empty());
    config::Choice choice{.name = std::string(entry.name), .options = conversation_of(entry.name).options};
    for (const config::OptionSpec& spec : entry.options) {
      EXPECT_FALSE(spec.summary.empty()) << spec.key;
      choice.options.emplace(spec.key, spec.default_value);
    }
    EXPECT_TRUE(faults_of(choice).empty());
    EXPECT_NE(make_checker(choice), nullptr);
  }
}

TEST_P(EveryChecker, AcceptsAHealthyBackend) {
  Healthy server;
  CheckResult result = check(*checker(), server.address(), kLong);
  EXPECT_TRUE(result.ok) << result.error;
  EXPECT_GT(result.latency, 0ns);
}

TEST_P(EveryChecker, FailsWhereNobodyListens) {
  RefusingAddress nobody;
  std::string error = check(*checker(), nobody.address(), kLong).error;
  EXPECT_TRUE(error.starts_with(conversation_of(GetParam()).refused)) << error;
}

TEST_P(EveryChecker, ChecksOverIpv6) {
  Healthy server("::1");
  if (server.address().port == 0) GTEST_SKIP() << "no IPv6 here";
  EXPECT_TRUE(check(*checker(), server.address(), kLong).ok);
}

TEST_P(EveryChecker, EndsWhenItIsCancelled) {
  ScriptedServer server([](ScriptedConnection& connection) { connection.hang(); });
  std::unique_ptr<Checker> one = checker();
  std::optional<CheckResult> result;
  net::TaskGroup group;
  group.spawn(check_into(*one, target(server.address(), kLong), result));
  reactor_.run_once(base::now());
  group.cancel();
  base::TimePoint began = base::now();
  while (group.size() > 0) reactor_.run_once(base::TimePoint::max());
  EXPECT_LT(base::now() - began, 5s);
}

TEST_P(EveryChecker, IsUsedForManyBackendsAtOnce) {
  Healthy server;
  std::unique_ptr<Checker> one = checker();
  std::vector<std::optional<CheckResult>> results(100);
  for (auto& result : results) group_.spawn(check_into(*one, target(server.address(), kLong), result));
  while (group_.size() > 0) reactor_.run_once(base::TimePoint::max());
  for (auto& result : results) EXPECT_TRUE(result->ok) << result->error;
}

std::vector<std::string> checker_names() {
  std::vector<std::string> names;
  for (const config::KindEntry& entry : checkers()) names.emplace_back(entry.name);
  return names;
}
INSTANTIATE_TEST_SUITE_P(Checkers, EveryChecker, testing::ValuesIn(checker_names()),
                         [](const auto& info) { return info.param; });

// ---- udp --------------------------------------------------------------------------------------------------------

class UdpCheckerTest : public CheckerTest {
 protected:
  CheckResult udp(const base::SocketAddress& address, decltype(config::Choice::options) options,
                  base::Nanoseconds timeout = kLong) {
    return check({.name = "udp", .options = std::move(options)}, address, timeout);
  }
  static std::string fault(decltype(config::Choice::options) options) {
    std::vector<config::OptionFault> faults = faults_of({.name = "udp", .options = std::move(options)});
    return faults.size() == 1 ? fmt::format("{}: {}", faults[0].key, faults[0].message) : fmt::to_string(faults.size());
  }
};

TEST_F(UdpCheckerTest, ExpectsBytesInTheReply) {
  DatagramEcho echo;
  EXPECT_TRUE(udp(echo.address(), {{"send", std::string("are you there")}, {"expected", std::string("there")}}).ok);
  EXPECT_TRUE(udp(echo.address(), {{"send_hex", std::string("00 ff0A")}, {"expected_hex", std::string("FF0a")}}).ok);
  EXPECT_EQ(echo.last(), std::string("\0\xff\x0a", 3));
  CheckResult other = udp(echo.address(), {{"send", std::string("no")}, {"expected", std::string("yes")}}, kShort);
  EXPECT_EQ(other.error, "the expected bytes are in no reply");
}

TEST_F(UdpCheckerTest, SilenceIsATimeout) {
  DatagramEcho silent("127.0.0.1", false);
  EXPECT_EQ(udp(silent.address(), {}, kShort).error, "timeout after 500 ms waiting for the reply");
}

TEST_F(UdpCheckerTest, WrongOptionsAreNamed) {
  EXPECT_EQ(fault({{"send_hex", std::string("0g")}}), "send_hex: '0g' is not pairs of hexadecimal digits");
  EXPECT_EQ(fault({{"expected_hex", std::string("123")}}), "expected_hex: '123' is not pairs of hexadecimal digits");
  EXPECT_EQ(fault({{"send", std::string("a")}, {"send_hex", std::string("61")}}),
            "send_hex: and send are both given; give one of them");
  EXPECT_EQ(fault({{"send", std::string(1401, 'a')}}), "send: is longer than the 1400 bytes that fit in one packet");
}

// ---- http -------------------------------------------------------------------------------------------------------

class HttpCheckerTest : public CheckerTest {};

TEST_F(HttpCheckerTest, SendsTheRequestItsOptionsDescribe) {
  std::string seen;
  ScriptedServer server([&](ScriptedConnection& connection) {
    seen = connection.read_head();
    connection.send_text("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  });
  std::string port = std::to_string(server.address().port);
  EXPECT_TRUE(http(server.address(), {}).ok);
  EXPECT_EQ(seen, "GET /health HTTP/1.1\r\nHost: backend.example:" + port +
                      "\r\nUser-Agent: weir-health-check\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(http(server.address(), {{"method", std::string("POST")},
                                      {"path", std::string("/ready?x=1")},
                                      {"host", std::string("www.example")},
                                      {"headers", Headers{{"X-Probe", "yes"}}},
                                      {"version", std::string("1.0")}})
                  .ok);
  EXPECT_EQ(seen,
            "POST /ready?x=1 HTTP/1.0\r\nHost: www.example\r\nUser-Agent: weir-health-check\r\n"
            "X-Probe: yes\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
}

TEST_F(HttpCheckerTest, TheBackendsOwnPathOverridesThePools) {
  std::string seen;
  ScriptedServer server([&](ScriptedConnection& connection) {
    seen = connection.read_head();
    connection.send_text("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  });
  std::unique_ptr<Checker> checker = make_checker({.name = "http", .options = {}});
  EXPECT_TRUE(check(*checker, server.address(), kLong, "/mine").ok);
  EXPECT_TRUE(seen.starts_with("GET /mine HTTP/1.1\r\n")) << seen;
  EXPECT_EQ(check(*checker, server.address(), kLong, "/a b").error, "the path of the check cannot be sent");
}

TEST_F(HttpCheckerTest, JudgesByTheStatus) {
  EXPECT_EQ(http_error("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"), "status 503, expected 200-299");
  EXPECT_EQ(http_error("HTTP/1.1 301 Moved\r\nContent-Length: 0\r\n\r\n"), "status 301, expected 200-299");
  EXPECT_EQ(http_error("HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n", {{"expected_status", Texts{"200", "400-404"}}}),
            "");
  EXPECT_EQ(http_error("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n", {{"expected_status", Texts{"200", "404"}}}),
            "status 201, expected 200, 404");
}

TEST_F(HttpCheckerTest, SkipsInterimResponses) {
  EXPECT_EQ(http_error("HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
            "");
  EXPECT_EQ(http_error("HTTP/1.1 100 Continue\r\n\r\n"), "closed before the response");
}

TEST_F(HttpCheckerTest, FailsOnGarbage) {
  for (const char* garbage : {"SSH-2.0-OpenSSH_9.2\r\n", "\x16\x03\x01\x02\x00\x01\r\n\r\n", "HTTP/1.1 2xx OK\r\n\r\n",
                              "HTTP/9.9 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nA: 1\r\n B\r\n\r\n"}) {
    std::string error = http_error(garbage);
    EXPECT_TRUE(error.starts_with("bad response: ")) << error;
  }
}

TEST_F(HttpCheckerTest, FailsWhenTheBackendClosesEarly) {
  EXPECT_EQ(http_error(""), "closed before the response");
  EXPECT_EQ(http_error("HTTP/1.1 200 OK\r\nContent-"), "closed within the response header");
  EXPECT_EQ(http_error("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhal", {{"expected_body", std::string("whole")}}),
            "closed within the response body");
  EXPECT_EQ(http_error("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhal\r\n",
                       {{"expected_body", std::string("whole")}}),
            "closed within the response body");
}

TEST_F(HttpCheckerTest, FailsWhenTheBackendResets) {
  ScriptedServer server([](ScriptedConnection& connection) {
    connection.read_head();
    connection.reset();
  });
  EXPECT_EQ(http(server.address(), {}).error, "read: reset");
}

TEST_F(HttpCheckerTest, SaysWhatATimeoutWaitedFor) {
  ScriptedServer silent([](ScriptedConnection& connection) { connection.hang(); });
  EXPECT_EQ(http(silent.address(), {}, kShort).error, "timeout after 500 ms waiting for the response header");
  ScriptedServer halfway([](ScriptedConnection& connection) {
    connection.read_head();
    connection.send_text("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
    connection.hang();
  });
  EXPECT_EQ(http(halfway.address(), {{"expected_body", std::string("xyz")}}, kShort).error,
            "timeout after 500 ms waiting for the response body");
}

TEST_F(HttpCheckerTest, ADrippingBackendDoesNotStretchTheDeadline) {
  ScriptedServer server([](ScriptedConnection& connection) {
    connection.read_head();
    for (char c : std::string("HTTP/1.1 200 OK\r\nX: " + std::string(5000, 'y'))) {
      if (!connection.send_text(std::string(1, c)) || !connection.pause(5)) return;
    }
  });
  EXPECT_EQ(http(server.address(), {}, kShort).error, "timeout after 500 ms waiting for the response header");
}

TEST_F(HttpCheckerTest, RefusesAHeadThatNeverEnds) {
  ScriptedServer server([](ScriptedConnection& connection) {
    connection.read_head();
    connection.send_text("HTTP/1.1 200 OK\r\n");
    while (connection.send_text("X-Filler: 0123456789012345678901234567890123456789\r\n")) {
    }
  });
  std::string error = http(server.address(), {}).error;
  EXPECT_TRUE(error.starts_with("bad response: ")) << error;
}

TEST_F(HttpCheckerTest, LooksForABodyInEveryFraming) {
  decltype(config::Choice::options) wants{{"expected_body", std::string("all good")}};
  EXPECT_EQ(http_error("HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\nstate: all good!\n", wants), "");
  EXPECT_EQ(http_error("HTTP/1.0 200 OK\r\n\r\nstate: all good!\n", wants), "");
  EXPECT_EQ(
      http_error("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nall \r\n4\r\ngood\r\n0\r\n\r\n", wants),
      "");
  EXPECT_EQ(http_error("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nbroken", wants), "expected_body not found");
  EXPECT_EQ(http_error("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nall good", wants), "expected_body not found");
  EXPECT_EQ(http_error("HTTP/1.1 204 No Content\r\n\r\n", wants), "expected_body not found");
  EXPECT_EQ(http_error("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nall\r\n0\r\n\r\n", wants),
            "expected_body not found");
  std::string broken = http_error("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", wants);
  EXPECT_TRUE(broken.starts_with("bad response: ")) << broken;
}

TEST_F(HttpCheckerTest, FindsABodyThatComesInPieces) {
  ScriptedServer server([](ScriptedConnection& connection) {
    connection.read_head();
    connection.send_text("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + std::string(40'000, '.') + "all");
    connection.pause(5);
    connection.send_text(" go");
    connection.pause(5);
    connection.send_text("od" + std::string(50'000, '.'));
    connection.hang();
  });
  EXPECT_EQ(http(server.address(), {{"expected_body", std::string("all good")}}).error, "");
}

TEST_F(HttpCheckerTest, ReadsAtMost64KbOfAHugeBody) {
  ScriptedServer server([](ScriptedConnection& connection) {
    connection.read_head();
    connection.send_text("HTTP/1.1 200 OK\r\n\r\n" + std::string(64 * 1024 - 3, 'a') + "needle");
    std::string more(64 * 1024, 'b');
    while (connection.send_text(more)) {
    }
  });
  EXPECT_EQ(http(server.address(), {{"expected_body", std::string("nee")}}).error, "");
  EXPECT_EQ(http(server.address(), {{"expected_body", std::string("needle")}}).error,
            "expected_body not found within the first 64 KB");
}

TEST_F(HttpCheckerTest, DoesNotReadABodyItIsNotAskedAbout) {
  ScriptedServer server([](ScriptedConnection& connection) {
    connection.read_head();
    connection.send_text("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
    connection.hang();
  });
  EXPECT_TRUE(http(server.address(), {}).ok);
}

TEST_F(HttpCheckerTest, WrongOptionsFailEveryProbeAndSayWhy) {
  ScriptedServer server("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  config::Choice choice{.name = "http", .options = {{"expected_status", Texts{"2xx"}}}};
  ASSERT_EQ(faults_of(choice).size(), 1u);
  EXPECT_EQ(faults_of(choice)[0].key, "expected_status");
  std::unique_ptr<Checker> checker = make_checker(choice);
  CheckResult result = check(*checker, server.address(), kLong);
  EXPECT_TRUE(result.error.starts_with("health_check: expected_status: '2xx' is no status")) << result.error;
}

TEST_F(HttpCheckerTest, HeadHasNoBody) {
  ScriptedServer server("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
  EXPECT_TRUE(http(server.address(), {{"method", std::string("HEAD")}}).ok);
}

}  // namespace
}  // namespace weir::health
