#include "tests/unit/health/checker_fixture.h"

namespace weir::health {
namespace {

using namespace std::chrono_literals;
using test::ScriptedConnection;
using test::ScriptedServer;

class TcpChecker : public OneChecker {
 protected:
  TcpChecker() : OneChecker("tcp") {}
  static Options options(std::string send, std::string expect) {
    return {{"send", std::move(send)}, {"expect", std::move(expect)}};
  }
};

TEST_F(TcpChecker, SendsAndExpectsBytesInSeveralReads) {
  std::string heard;
  ScriptedServer server([&](ScriptedConnection& connection) {
    heard = connection.read_bytes(6);
    connection.send_text("+PO");
    connection.pause(20);
    connection.send_text("NG\r\n");
    connection.hang();
  });
  EXPECT_EQ(check(server.address(), options(R"(PING\r\n)", "hex:504f4e47")).error, "");
  EXPECT_EQ(heard, "PING\r\n");
}

TEST_F(TcpChecker, ExpectsAGreetingWithoutSending) {
  ScriptedServer server([](ScriptedConnection& connection) {
    connection.send_text("220 mail.example ESMTP\r\n");
    connection.hang();
  });
  EXPECT_EQ(check(server.address(), options("", "220 ")).error, "");
}

TEST_F(TcpChecker, SaysWhatCameInstead) {
  ScriptedServer closing([](ScriptedConnection& connection) { connection.send_text("554 no\r\n"); });
  EXPECT_EQ(check(closing.address(), options("", "220 ")).error,
            R"(closed before the expected bytes; '554 no\u000d\u000a' came)");
  ScriptedServer silent([](ScriptedConnection& connection) { connection.hang(); });
  EXPECT_EQ(check(silent.address(), options("", "220 "), 100ms).error,
            "timeout after 100 ms waiting for the expected bytes; nothing came");
}

TEST_F(TcpChecker, ReadsAtMost64Kilobytes) {
  ScriptedServer chatty([](ScriptedConnection& connection) {
    while (connection.send_text(std::string(10'000, 'a'))) {
    }
  });
  EXPECT_EQ(check(chatty.address(), options("", "b")).error.substr(0, 39), "the response is longer than 64 KB; 'aaa");
}

TEST_F(TcpChecker, WrongOptionsAreNamed) {
  EXPECT_EQ(fault({{"send", std::string(R"(\q)")}}), R"(send: '\\q' is no escape; known are \r \n \t \0 \\ and \xHH)");
  EXPECT_EQ(fault({{"expect", std::string("hex:0g")}}),
            "expect: 'hex:0g' is not `hex:` and pairs of hexadecimal digits");
  EXPECT_EQ(fault({{"send", std::string(20'000, 'a')}}), "send: is longer than 16384 bytes");
}

}  // namespace
}  // namespace weir::health
