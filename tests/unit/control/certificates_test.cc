// The certificates that a configuration needs, as far as those of the API are concerned.
#include "control/certificates.h"

#include "tests/unit/api/fixture.h"
#include "tests/unit/tls/pair.h"

namespace weir::control {
namespace {

using api::ControlPlane;

using testing::HasSubstr;
using testing::IsEmpty;

const std::string kSecure = R"(
listeners:
  - {name: secure, address: 127.0.0.1:8443, protocol: https, pool: site, tls: {certificates: [{name: site}]}}
pools: [{name: site}]
)";

class CertificatesTest : public testing::Test {
 protected:
  static Effective wanted(const std::string& file, std::map<std::string, std::shared_ptr<const ApiCertificate>> made) {
    return {.config = std::make_shared<config::Config>(ControlPlane::read(file)),
            .borrowed = {},
            .overrides = {},
            .certificates = std::move(made)};
  }
  static std::map<std::string, std::shared_ptr<const ApiCertificate>> made(int days) {
    tls::PemPair pair = tls::make_pair("site.example", "DNS:site.example", false, -60, days);
    return {{"site", std::make_shared<ApiCertificate>(ApiCertificate{"site", pair.cert, pair.key})}};
  }

  tls::Library worker_, prober_;
  Certificates certificates_{
      {.libraries = {&worker_}, .probing = &prober_, .unix_time = [] { return base::unix_milliseconds() / 1000; }}};
};

TEST_F(CertificatesTest, TheEndOfOneIsSaidHoweverShortTheMachineIsUp) {
  ASSERT_THAT(certificates_.prepare(wanted(kSecure, made(5)), Reading::again), IsEmpty());
  certificates_.accept();
  auto said = [&](base::TimePoint now) {
    testing::internal::CaptureStderr();
    certificates_.tick(now);
    return testing::internal::GetCapturedStderr();
  };
  base::TimePoint start(std::chrono::seconds(1));
  EXPECT_THAT(said(start), HasSubstr("certificate site for CN=site.example expires in 4 days"));
  EXPECT_EQ(said(start + std::chrono::hours(2)), "") << "once";
}

TEST_F(CertificatesTest, AListenerMayNameOneThatIsSetAside) {
  EXPECT_EQ(certificates_.prepare(wanted(kSecure, {}), Reading::again).size(), 1u) << "there is none of that name";
  Effective without = wanted(kSecure, {});
  without.absent_certificates = {"site"};
  EXPECT_THAT(certificates_.prepare(without, Reading::again), IsEmpty());
}

}  // namespace
}  // namespace weir::control
