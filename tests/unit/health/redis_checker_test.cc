#include <fstream>
#include <unistd.h>
#include <vector>

#include "tests/unit/health/checker_fixture.h"

namespace weir::health {
namespace {

using namespace std::chrono_literals;
using test::ScriptedConnection;
using test::ScriptedServer;

class RedisChecker : public OneChecker {
 protected:
  RedisChecker() : OneChecker("redis") { std::ofstream(password_file_) << "se cret\nsecond line\n"; }
  ~RedisChecker() override { ::unlink(password_file_.c_str()); }
  // Answers each command, which must be the expected one, with the text beside it.
  std::string error_of(std::vector<std::pair<std::string, std::string>> lines, Options options,
                       base::Nanoseconds timeout = 20s) {
    heard_.clear();
    ScriptedServer server([&](ScriptedConnection& connection) {
      for (const auto& [command, answer] : lines) {
        heard_ = connection.read_bytes(command.size());
        if (heard_ != command) break;
        connection.send_text(answer);
      }
      connection.hang();
    });
    return check(server.address(), std::move(options), timeout).error;
  }
  static inline const std::string kPing = "*1\r\n$4\r\nPING\r\n";
  static inline const std::string kRole = "*1\r\n$4\r\nROLE\r\n";
  std::string password_file_ = testing::TempDir() + "/weir-redis-" + std::to_string(::getpid());
  std::string heard_;
};

TEST_F(RedisChecker, ExpectsPong) {
  EXPECT_EQ(error_of({{kPing, "+PONG\r\n"}}, {}), "");
  EXPECT_EQ(error_of({{kPing, "+OK\r\n"}}, {}), "answer '+OK', expected PONG");
}

TEST_F(RedisChecker, ErrorsOfTheServerAreItsText) {
  for (const char* error : {"LOADING Redis is loading the dataset in memory", "NOAUTH Authentication required.",
                            "MASTERDOWN Link with MASTER is down and "
                            "replica-serve-stale-data is set to 'no'."}) {
    EXPECT_EQ(error_of({{kPing, fmt::format("-{}\r\n", error)}}, {}), error);
  }
}

TEST_F(RedisChecker, LogsInFirst) {
  std::string login = "*2\r\n$4\r\nAUTH\r\n$7\r\nse cret\r\n";
  EXPECT_EQ(error_of({{login, "+OK\r\n"}, {kPing, "+PONG\r\n"}}, {{"password_file", password_file_}}), "");
  std::string named = "*3\r\n$4\r\nAUTH\r\n$4\r\nanna\r\n$7\r\nse cret\r\n";
  EXPECT_EQ(error_of({{named,
                       "-WRONGPASS invalid username-password pair or "
                       "user is disabled.\r\n"}},
                     {{"password_file", password_file_}, {"username", std::string("anna")}}),
            "WRONGPASS invalid username-password pair or user is disabled.");
}

TEST_F(RedisChecker, ExpectsARole) {
  std::string master = "*3\r\n$6\r\nmaster\r\n:3129659\r\n*0\r\n";
  auto replica = [](const std::string& link) {
    return fmt::format(
        "*5\r\n$5\r\nslave\r\n$9\r\n127.0.0.1\r\n:9000\r\n${}"
        "\r\n{}\r\n:3167038\r\n",
        link.size(), link);
  };
  auto with_role = [&](std::string answer, std::string role) {
    return error_of({{kPing, "+PONG\r\n"}, {kRole, std::move(answer)}}, {{"role", std::move(role)}});
  };
  EXPECT_EQ(with_role(master, "master"), "");
  EXPECT_EQ(with_role(master, "replica"), "role 'master', expected replica");
  EXPECT_EQ(with_role(replica("connected"), "replica"), "");
  EXPECT_EQ(with_role(replica("connected"), "master"), "role 'replica', expected master");
  EXPECT_EQ(with_role(replica("sync"), "replica"), "the replica's link to its master is 'sync', expected 'connected'");
}

TEST_F(RedisChecker, AnswersThatNeverComeOrEnd) {
  EXPECT_EQ(error_of({{kPing, ""}}, {}, 100ms), "timeout after 100 ms waiting for the answer");
  EXPECT_EQ(error_of({{kPing, std::string(70'000, 'a')}}, {}), "the response is longer than 64 KB");
  ScriptedServer closing([](ScriptedConnection& connection) { connection.read_bytes(14); });
  EXPECT_EQ(check(closing.address(), {}).error, "closed before the answer");
}

TEST_F(RedisChecker, WrongOptionsAreNamed) {
  EXPECT_EQ(fault({{"username", std::string("anna")}}), "username: is without effect: there is no password_file");
  EXPECT_EQ(fault({{"password_file", std::string("/nowhere/secret")}}),
            "password_file: cannot read /nowhere/secret: No such file or directory");
}

}  // namespace
}  // namespace weir::health
