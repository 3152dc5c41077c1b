#include <map>
#include <vector>

#include "tests/unit/health/checker_fixture.h"

namespace weir::health {
namespace {

using namespace std::chrono_literals;

class CommandChecker : public OneChecker {
 protected:
  CommandChecker() : OneChecker("command") {}
  CheckResult sh(std::string script, base::Nanoseconds timeout = 20s) {
    target_.pool = "site";
    target_.id = "web-1";
    return check(*base::SocketAddress::parse("[::1]:8080"),
                 {{"command", std::vector<std::string>{"/bin/sh", "-c", std::move(script)}},
                  {"environment", std::map<std::string, std::string>{{"WORD", "a b"}}}},
                 timeout);
  }
};

TEST_F(CommandChecker, ExitCodesDecide) {
  EXPECT_TRUE(sh("exit 0").ok);
  EXPECT_EQ(sh("exit 2").error, "exit 2");
}

TEST_F(CommandChecker, TheLastLineOfTheOutputSaysWhy) {
  EXPECT_EQ(sh("echo first; echo 'no  disk' >&2; echo; exit 2").error, "exit 2: no  disk");
  EXPECT_EQ(sh(R"(printf 'a\033[1mb\377c'; exit 1)").error, R"(exit 1: a\x1b[1mb\xffc)");
  EXPECT_EQ(sh("printf '%01000d' 7; exit 1").error, "exit 1: " + std::string(200, '0') + "...");
  EXPECT_EQ(sh("echo 3 connections").detail, "3 connections");
}

TEST_F(CommandChecker, SignalsAreNamed) { EXPECT_EQ(sh("echo oh; kill -SEGV $$").error, "killed by SIGSEGV: oh"); }

TEST_F(CommandChecker, ATimeoutKills) {
  EXPECT_EQ(sh("echo begun; exec sleep 1000", 200ms).error,
            "timeout after 200 ms waiting for the program to end; it was "
            "killed: begun");
}

TEST_F(CommandChecker, KnowsTheBackendByItsEnvironment) {
  CheckResult result =
      sh("echo $WEIR_BACKEND_ADDRESS $WEIR_BACKEND_IP $WEIR_BACKEND_PORT "
         "$WEIR_BACKEND_HOST $WEIR_BACKEND_POOL "
         "$WEIR_BACKEND_ID $WORD");
  EXPECT_EQ(result.detail, "[::1]:8080 ::1 8080 backend.example site web-1 a b");
}

TEST_F(CommandChecker, WantOfATurnIsNoVerdictOnTheBackend) {
  net::Programs none(0);
  target_.programs = &none;
  CheckResult result = sh("exit 0", 50ms);
  EXPECT_TRUE(result.is_ours);
  EXPECT_EQ(result.error, "/bin/sh had no turn within its timeout: too many programs run at once");
}

TEST_F(CommandChecker, WrongOptionsAreNamed) {
  using Words = std::vector<std::string>;
  using Environment = std::map<std::string, std::string>;
  EXPECT_EQ(fault({}), "command: must be given, such as [/usr/local/bin/check, argument]");
  EXPECT_EQ(fault({{"command", Words{"check"}}}), "command: 'check' is no absolute path");
  EXPECT_EQ(fault({{"command", Words{"/nowhere/check"}}}), "command: /nowhere/check: No such file or directory");
  EXPECT_EQ(fault({{"command", Words{"/etc"}}}), "command: /etc is no file");
  EXPECT_EQ(fault({{"command", Words{"/bin/sh"}}, {"environment", Environment{{"1A", "b"}}}}),
            "environment: '1A' is no name of a variable");
  EXPECT_EQ(fault({{"command", Words{"/bin/sh"}}, {"environment", Environment{{"WEIR_BACKEND_ID", "b"}}}}),
            "environment: WEIR_BACKEND_ID is set by Weir itself");
}

}  // namespace
}  // namespace weir::health
