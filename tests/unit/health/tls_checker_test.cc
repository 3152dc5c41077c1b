#include <ctime>

#include "tests/support/scripted_tls.h"
#include "tests/unit/health/checker_fixture.h"
#include "tests/unit/tls/pair.h"
#include "tls/client_context.h"

namespace weir::health {
namespace {

using namespace std::chrono_literals;
using test::ScriptedConnection;
using test::ScriptedServer;

class TlsChecker : public OneChecker {
 protected:
  TlsChecker() : OneChecker("tls") {}
  ~TlsChecker() override { target_.tls = nullptr; }
  void trust(tls::ClientOptions options) {
    auto made = tls::ClientContext::make(library_, std::move(options));
    auto contexts = std::make_shared<tls::ClientContexts>();
    contexts->of_thread.push_back(std::move(made.value()));
    target_.tls = contexts;
  }
  CheckResult check_backend(const tls::PemPair& pair, std::int64_t min_days) {
    ScriptedServer server([&](ScriptedConnection& connection) { test::serve_tls(connection, pair.cert, pair.key); });
    return check(server.address(), {{"min_days", min_days}});
  }
  // Ends in 10 days less a minute.
  tls::PemPair pair_ = tls::make_pair("backend.example", "DNS:backend.example");
  tls::Library library_;
};

TEST_F(TlsChecker, SaysHowLongTheCertificateLasts) {
  trust({.authorities = pair_.cert});
  CheckResult result = check_backend(pair_, 9);
  EXPECT_EQ(result.error, "");
  EXPECT_TRUE(result.detail.starts_with("the certificate ends in 9 days (20")) << result.detail;
}

TEST_F(TlsChecker, FailsWhenTooFewDaysAreLeft) {
  trust({.authorities = pair_.cert});
  CheckResult result = check_backend(pair_, 10);
  EXPECT_TRUE(result.error.starts_with("the certificate ends in 9 days (20")) << result.error;
  EXPECT_TRUE(result.error.ends_with(", min_days is 10")) << result.error;
}

TEST_F(TlsChecker, FailsWhenTheCertificateIsNotTrusted) {
  tls::PemPair other = tls::make_pair("other.example", "DNS:other.example");
  trust({.authorities = other.cert});
  CheckResult result = check_backend(pair_, 0);
  EXPECT_TRUE(result.error.starts_with("TLS handshake: ")) << result.error;
  trust({.authorities = pair_.cert, .server_name = "wrong.example"});
  result = check_backend(pair_, 0);
  EXPECT_TRUE(result.error.starts_with("TLS handshake: ")) << result.error;
}

TEST_F(TlsChecker, MayLeaveTheCertificateUnverified) {
  tls::PemPair ended = tls::make_pair("backend.example", "", false, -86'400 * 20, 10);
  trust({.verify = false});
  CheckResult result = check_backend(ended, 0);
  EXPECT_EQ(result.error, "");
  EXPECT_TRUE(result.detail.starts_with("the certificate has ended on 20")) << result.detail;
  EXPECT_TRUE(check_backend(ended, 1).error.ends_with(", min_days is 1"));
}

// A session that is resumed would show the certificate that it was made with.
TEST_F(TlsChecker, SeesACertificateThatWasReplaced) {
  tls::PemPair renewed = tls::make_pair("backend.example", "DNS:backend.example", false, -60, 90);
  trust({.verify = false});
  int served = 0;
  ScriptedServer server([&](ScriptedConnection& connection) {
    const tls::PemPair& shown = served++ == 0 ? pair_ : renewed;
    test::serve_tls(connection, shown.cert, shown.key);
  });
  EXPECT_TRUE(check(server.address(), {}).detail.starts_with("the certificate ends in 9 days"));
  EXPECT_TRUE(check(server.address(), {}).detail.starts_with("the certificate ends in 89 days"));
}

TEST_F(TlsChecker, FailsWithoutTls) {
  ScriptedServer server("");
  EXPECT_EQ(check(server.address(), {}).error, "the check has no TLS: `tls` of the health check is off");
}

}  // namespace
}  // namespace weir::health
