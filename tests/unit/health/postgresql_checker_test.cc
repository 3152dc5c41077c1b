#include <future>

#include "tests/support/scripted_tls.h"
#include "tests/unit/health/checker_fixture.h"
#include "tests/unit/tls/pair.h"
#include "tls/client_context.h"

namespace weir::health {
namespace {

using namespace std::chrono_literals;
using test::ScriptedConnection;
using test::ScriptedServer;

const std::string kNeedsNoPassword("R\0\0\0\x8\0\0\0\0", 9);
const std::string kLetIn = kNeedsNoPassword +
                           std::string(
                               "S\0\0\0\x8"
                               "a\0b\0",
                               9) +
                           std::string("Z\0\0\0\5I", 6);
const std::string kWantsPassword("R\0\0\0\xc\0\0\0\5salt", 13);
const std::string kSslRequest("\0\0\0\x8\x4\xd2\x16\x2f", 8);

std::string startup_of(const std::string& text) {
  std::string body = std::string("\0\3\0\0", 4) + text + '\0';
  return std::string("\0\0\0", 3) + static_cast<char>(body.size() + 4) + body;
}

std::string error_response(const std::string& fields) {
  return std::string("E\0\0\0", 4) + static_cast<char>(fields.size() + 5) + fields + '\0';
}

class PostgresqlChecker : public OneChecker {
 protected:
  PostgresqlChecker() : OneChecker("postgresql") {}
  ~PostgresqlChecker() override { target_.tls = nullptr; }
  // Reads the startup message, answers, and keeps what the probe says then.
  std::string error_of(const std::string& answer, Options options = {}) {
    std::promise<std::string> farewell;
    ScriptedServer server([&](ScriptedConnection& connection) {
      heard_ = connection.read_bytes(4);
      heard_ += connection.read_bytes(static_cast<unsigned char>(heard_[3]) - 4u);
      connection.send_text(answer);
      farewell.set_value(connection.read_bytes(5));
    });
    std::string error = check(server.address(), std::move(options)).error;
    farewell_ = farewell.get_future().get();
    return error;
  }
  std::string heard_;
  std::string farewell_;
};

TEST_F(PostgresqlChecker, BeginsASessionAndEndsItWhenItIsLetIn) {
  EXPECT_EQ(error_of(kLetIn), "");
  EXPECT_EQ(farewell_, std::string("X\0\0\0\4", 5));
  EXPECT_EQ(heard_, startup_of(std::string("user\0weir\0application_name\0weir-health-check\0", 45)));
  EXPECT_EQ(error_of(kLetIn, {{"user", std::string("monitor")}, {"database", std::string("shop")}}), "");
  EXPECT_EQ(heard_, startup_of(std::string("user\0monitor\0database\0shop\0appl"
                                           "ication_name\0weir-health-check\0",
                                           62)));
}

// A server that waits for a password would log anything else as an error.
TEST_F(PostgresqlChecker, ARequestForAPasswordIsAliveAndGetsNoAnswer) {
  EXPECT_EQ(error_of(kWantsPassword), "");
  EXPECT_EQ(farewell_, "");
}

TEST_F(PostgresqlChecker, ErrorsAreFailuresWithTheirText) {
  EXPECT_EQ(error_of(error_response(std::string("SFATAL\0VFATAL\0C57P03\0Mthe database system is starting up\0", 57))),
            "FATAL 57P03: the database system is starting up");
  EXPECT_EQ(error_of(error_response(std::string("SFATAL\0C53300\0Msorry, too many clients already\0", 47))),
            "FATAL 53300: sorry, too many clients already");
}

// The role and the database are looked for once a session needs no password.
TEST_F(PostgresqlChecker, ErrorsBehindTheLoginAreFailures) {
  EXPECT_EQ(error_of(kNeedsNoPassword +
                     error_response(std::string("SFATAL\0C3D000\0Mdatabase \"shop\" does not exist\0", 46))),
            "FATAL 3D000: database \"shop\" does not exist");
}

TEST_F(PostgresqlChecker, AnswersOfOtherProtocols) {
  EXPECT_EQ(error_of("HTTP/1.1 400 Bad Request\r\n"), "no answer of PostgreSQL: it begins with 'HTTP/1.1 400 Bad Req'");
  EXPECT_EQ(error_of(std::string("R\xff\xff\xff\xff\0\0\0\0", 9)),
            "a message of 4294967295 bytes, which is none of PostgreSQL");
  EXPECT_EQ(error_of(std::string("R\0\0\0\4", 5)), "a message of 4 bytes, which is none of PostgreSQL");
  ScriptedServer closing([](ScriptedConnection& connection) { connection.read_bytes(8); });
  EXPECT_EQ(check(closing.address(), {}).error, "read: reset");
}

TEST_F(PostgresqlChecker, AsksForTlsFirst) {
  tls::PemPair pair = tls::make_pair("backend.example", "DNS:backend.example");
  tls::Library library;
  auto made = tls::ClientContext::make(library, {.authorities = pair.cert});
  auto contexts = std::make_shared<tls::ClientContexts>();
  contexts->of_thread.push_back(std::move(made.value()));
  target_.tls = contexts;
  contexts = nullptr;
  std::string asked, begun;
  ScriptedServer server([&](ScriptedConnection& connection) {
    asked = connection.read_bytes(8);
    connection.send_text("S");
    test::serve_tls(connection, pair.cert, pair.key, [&](SSL* ssl) {
      std::array<char, 200> bytes;
      int got = SSL_read(ssl, bytes.data(), bytes.size());
      begun.assign(bytes.data(), static_cast<std::size_t>(std::max(got, 0)));
      SSL_write(ssl, kLetIn.data(), static_cast<int>(kLetIn.size()));
      SSL_read(ssl, bytes.data(), bytes.size());
    });
  });
  EXPECT_EQ(check(server.address(), {}).error, "");
  EXPECT_EQ(asked, kSslRequest);
  EXPECT_EQ(begun.substr(4, 9), std::string("\0\3\0\0user\0", 9));
  ScriptedServer without([](ScriptedConnection& connection) {
    connection.read_bytes(8);
    connection.send_text("N");
  });
  EXPECT_EQ(check(without.address(), {}).error, "the server offers no TLS");
  target_.tls = nullptr;
}

TEST_F(PostgresqlChecker, WrongOptionsAreNamed) {
  EXPECT_EQ(fault({{"user", std::string()}}), "user: must not be empty");
  EXPECT_EQ(fault({{"database", std::string(64, 'a')}}),
            "database: must have no control characters and at most 63 bytes");
}

}  // namespace
}  // namespace weir::health
