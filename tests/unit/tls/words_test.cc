// TLS failures are told in words that name the side and the key.
#include "tls/words.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include "gtest/gtest.h"

namespace weir::tls {
namespace {

unsigned long error_of(int reason) { return ERR_PACK(ERR_LIB_SSL, 0, reason); }

TEST(Words, TellOfABackendWithoutTls) {
  EXPECT_STREQ(words_for_error(error_of(SSL_R_WRONG_VERSION_NUMBER), false), "the backend answered without TLS");
}

TEST(Words, TellWhoDoesNotTrustWhom) {
  unsigned long alert = error_of(SSL_R_TLSV1_ALERT_UNKNOWN_CA);
  EXPECT_STREQ(words_for_error(alert, true), "the client does not trust the certificate (alert unknown_ca)");
  EXPECT_STREQ(words_for_error(alert, false),
               "the backend does not trust the client certificate (tls.cert; alert unknown_ca)");
}

TEST(Words, NameTheKeyOfTrustedCertificates) {
  EXPECT_STREQ(words_for_backend_certificate(X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY),
               "the backend's certificate is not trusted: unable to get local issuer certificate (tls.ca)");
}

TEST(Words, AreThoseOfOpenSslForTheRest) {
  EXPECT_STREQ(words_for_error(error_of(SSL_R_NO_SHARED_CIPHER), true), "no shared cipher");
  EXPECT_STREQ(words_for_backend_certificate(X509_V_ERR_CERT_REVOKED), "certificate revoked");
}

}  // namespace
}  // namespace weir::tls
