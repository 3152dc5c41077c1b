#include "tls/certificate.h"

#include "tests/unit/tls/pair.h"

namespace weir::tls {
namespace {

std::string fault_of(const std::string& cert, const std::string& key) {
  auto loaded = load_certificate("test", cert, key);
  return loaded ? "" : loaded.error();
}

TEST(Certificate, KnowsItsNamesAndDates) {
  auto certificate = certificate_of(make_pair("A", "DNS:A.example,DNS:*.b.example"));
  EXPECT_EQ(certificate->names, (std::vector<std::string>{"a.example", "*.b.example"}));
  EXPECT_EQ(certificate->subject, "CN=A");
  EXPECT_EQ(certificate->kind, KeyKind::ecdsa);
  EXPECT_EQ(certificate->fingerprint.size(), 64u);
  EXPECT_EQ(certificate->not_after - certificate->not_before, 864'000);
}

TEST(Certificate, WithoutAlternativesIsForItsCommonName) {
  EXPECT_EQ(certificate_of(make_pair("a.example", ""))->names, std::vector<std::string>{"a.example"});
}

TEST(Certificate, NeedsTheKeyThatBelongsToIt) {
  PemPair one = make_pair("one.example", ""), other = make_pair("two.example", "");
  EXPECT_EQ(fault_of(one.cert, other.key), "the private key is not the one of the certificate for CN=one.example");
  EXPECT_EQ(fault_of("", one.key), "has no certificate; PEM with BEGIN CERTIFICATE is needed");
  EXPECT_TRUE(fault_of(one.cert, "").starts_with("has no private key that can be read"));
  EXPECT_TRUE(fault_of(one.cert + other.cert, one.key).starts_with("certificate 1 of the chain was issued by"));
}

TEST(Certificate, IsOfNoUseOutsideItsTime) {
  std::int64_t now = std::time(nullptr);
  auto old = certificate_of(make_pair("old.example", "", false, -10 * 86'400, 5));
  EXPECT_TRUE(check_dates(*old, now).error().starts_with("the certificate for CN=old.example has expired on 2"));
  auto early = certificate_of(make_pair("new.example", "", false, 86'400, 5));
  EXPECT_TRUE(check_dates(*early, now).error().starts_with("the certificate for CN=new.example is valid only from 2"));
  EXPECT_TRUE(check_dates(*certificate_of(make_pair("good.example", "")), now));
}

TEST(Certificate, AlternativesAreFitForAHeader) {
  PemPair pair = make_pair("x", "DNS:a.example,IP:10.0.0.1,IP:::1,URI:spiffe://x/y%z");
  auto parsed = parse_certificates(pair.cert, nullptr);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(alternative_names(parsed->front().get()),
            "DNS:a.example, IP:10.0.0.1, IP:0:0:0:0:0:0:0:1, URI:spiffe://x/y%25z");
}

// The common name of a subject with these attributes: NID, type, value.
struct Attribute {
  int nid;
  int type;
  std::string value;
};
std::string common_name_of(std::initializer_list<Attribute> attributes) {
  Owned<X509_NAME, X509_NAME_free> name(X509_NAME_new());
  for (const Attribute& one : attributes) {
    int added = X509_NAME_add_entry_by_NID(name.get(), one.nid, one.type,
                                           reinterpret_cast<const unsigned char*>(one.value.data()),
                                           static_cast<int>(one.value.size()), -1, 0);
    EXPECT_EQ(added, 1);
  }
  return tls::common_name_of(name.get());
}

TEST(Certificate, TheCommonNameIsTakenFromItsAttributeOnly) {
  EXPECT_EQ(common_name_of({{NID_organizationName, V_ASN1_UTF8STRING, "x CN=admin"},
                            {NID_commonName, V_ASN1_UTF8STRING, "device 7"}}),
            "device 7");
  EXPECT_EQ(common_name_of({{NID_commonName, V_ASN1_UTF8STRING, "a,b/CN=c"}}), "a,b/CN=c");
  EXPECT_EQ(common_name_of({{NID_organizationName, V_ASN1_UTF8STRING, "x, CN=admin"}}), "");
}

TEST(Certificate, ACommonNameThatIsNotOnePlainTextIsNone) {
  EXPECT_EQ(common_name_of({{NID_commonName, V_ASN1_UTF8STRING, "user"}, {NID_commonName, V_ASN1_UTF8STRING, "admin"}}),
            "");
  EXPECT_EQ(common_name_of({{NID_commonName, V_ASN1_UTF8STRING, std::string("admin\0.example", 14)}}), "");
  EXPECT_EQ(common_name_of({{NID_commonName, V_ASN1_UTF8STRING, "admin\r\n"}}), "");
  EXPECT_EQ(common_name_of({{NID_commonName, V_ASN1_UTF8STRING, "\xff\xfe"}}), "");
  EXPECT_EQ(common_name_of({{NID_commonName, V_ASN1_T61STRING, "M\xfcller"}}), "");
  EXPECT_EQ(common_name_of({{NID_commonName, V_ASN1_BMPSTRING, std::string("\0M\0\xfc", 4)}}), "M\xc3\xbc");
}

}  // namespace
}  // namespace weir::tls
