#include <gmock/gmock.h>

#include "config/diff.h"
#include "config/read.h"
#include "config/validate.h"
#include "tests/unit/config/kinds_for_tests.h"

namespace weir::config {
namespace {

using testing::HasSubstr;

std::string https(std::string_view tls, std::string_view more = "") {
  return "listeners:\n- name: l\n  address: '*:1'\n  protocol: https\n  tls: " + std::string(tls) + "\n" +
         std::string(more);
}

TEST(Tls, ReadsEveryKey) {
  auto read = read_yaml(https("{certificates: [site, {cert: a.pem, key: a.key, ocsp: a.der}], strict_sni: true, "
                              "min_version: '1.3', alpn: [http/1.1], tickets: false, handshake_timeout: 1s, "
                              "client: {mode: require, ca: ca.pem, crl: crl.pem}, handshakes_per_second: 5, "
                              "hsts: {max_age: 24h, preload: true}}",
                              "tls: {ticket_rotation: 1h, ocsp: false}\n"
                              "certificates: [{name: site, cert: b.pem}]\n"
                              "pools: [{name: a, tls: true}, {name: b, tls: {verify: false, sni: x.example}}]\n"),
                        "t.yaml", test_kinds());
  ASSERT_TRUE(read) << format(read.error().front());
  const ListenerTls& tls = *read->listeners[0].tls;
  EXPECT_EQ(tls.certificates[0].name, "site");
  EXPECT_EQ(tls.certificates[1].name, "a.pem");
  EXPECT_EQ(tls.min_version, TlsVersion::tls_1_3);
  EXPECT_EQ(tls.alpn, std::vector<std::string>{"http/1.1"});
  EXPECT_EQ(tls.client.mode, ClientCertificateMode::require);
  EXPECT_TRUE(tls.hsts.preload);
  EXPECT_TRUE(read->pools[0].tls->verify);
  EXPECT_EQ(read->pools[1].tls->sni, "x.example");
}

TEST(Tls, TellsWhetherAlpnWasSet) {
  auto alpn_of = [](std::string_view tls) {
    auto read = read_yaml(https(tls), "t.yaml", test_kinds());
    return read->listeners[0].tls->alpn;
  };
  EXPECT_FALSE(alpn_of("{min_version: '1.3'}"));
  EXPECT_EQ(alpn_of("{alpn: [h2, http/1.1]}"), (std::vector<std::string>{"h2", "http/1.1"}));
  EXPECT_EQ(alpn_of("{alpn: []}"), std::vector<std::string>());
}

TEST(Tls, ReportsWhatDoesNotFit) {
  EXPECT_THAT(faults_of("listeners: [{name: l, address: '*:1', tls: {}}]"),
              HasSubstr("has no TLS of its own; use https"));
  EXPECT_THAT(faults_of(https("{client: {mode: require}}")), HasSubstr("listeners[0].tls.client.ca: is needed"));
  EXPECT_THAT(faults_of(https("{client: {ca: x}}")), HasSubstr("client.mode: is off"));
  EXPECT_THAT(faults_of(https("{alpn: [spdy/1]}")), HasSubstr("tls.alpn[0]: 'spdy/1' is none of the protocols here"));
  EXPECT_THAT(faults_of(https("{min_version: '1.1'}")), HasSubstr("'1.1' is not one of 1.2, 1.3"));
  EXPECT_THAT(faults_of(https("{hsts: {preload: true}}")), HasSubstr("hsts.max_age: is needed"));
  EXPECT_THAT(faults_of(https("{certificates: [{key: x}]}")), HasSubstr("certificates[0].cert: is missing"));
  EXPECT_THAT(faults_of("certificates: [{name: a, cert: x}, {name: a, cert: y}]"),
              HasSubstr("certificates[1].name: another certificate is called 'a'"));
  EXPECT_THAT(faults_of("tls: {ticket_rotation: 5s}"), HasSubstr("tls.ticket_rotation: must be at least 1m"));
  EXPECT_THAT(faults_of("pools: [{name: a, tls: {verify: false, ca: x}}]"), HasSubstr("ca has no effect"));
  EXPECT_THAT(faults_of("pools: [{name: a, tls: {key: x}}]"), HasSubstr("tls.cert: is missing"));
  EXPECT_THAT(faults_of(https("{}\n  redirect_to_https: 443")), HasSubstr("use TLS already"));
}

TEST(Tls, ChangesOfCertificatesAreADifference) {
  auto one = read_yaml("certificates: [{name: a, cert: x}]", "t.yaml", test_kinds());
  auto two = read_yaml("certificates: [{name: a, cert: y}]", "t.yaml", test_kinds());
  EXPECT_TRUE(diff(*one, *two).certificates);
  EXPECT_FALSE(diff(*one, *one).certificates);
}

}  // namespace
}  // namespace weir::config
