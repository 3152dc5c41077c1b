#include "tls/words.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

namespace weir::tls {
namespace {

const char* words_for_client(int reason) {
  switch (reason) {
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
      return "the client does not trust the certificate (alert unknown_ca)";
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
      return "the client does not trust the certificate (alert bad_certificate)";
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
      return "the client does not trust the certificate (alert certificate_unknown)";
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
      return "for the client the certificate has expired (alert certificate_expired)";
    default:
      return nullptr;
  }
}

const char* words_for_backend(int reason) {
  switch (reason) {
    case SSL_R_WRONG_VERSION_NUMBER:
      return "the backend answered without TLS";
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
      return "the backend wants a client certificate (tls.cert)";
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
      return "the backend does not trust the client certificate (tls.cert; alert unknown_ca)";
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
      return "the backend wants another client certificate, or one at all (tls.cert; alert bad_certificate)";
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
      return "the backend agrees to no TLS handshake (alert handshake_failure): it may want a client certificate "
             "(tls.cert), or shares no cipher";
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
      return "the backend speaks no version of TLS that Weir may (tls.min_version; alert protocol_version)";
    case SSL_R_TLSV1_UNRECOGNIZED_NAME:
      return "the backend knows no certificate for the name it was asked for (tls.sni; alert unrecognized_name)";
    default:
      return nullptr;
  }
}

}  // namespace

const char* words_for_error(unsigned long code, bool is_server) {
  if (ERR_GET_LIB(code) == ERR_LIB_SSL) {
    int reason = ERR_GET_REASON(code);
    const char* words = is_server ? words_for_client(reason) : words_for_backend(reason);
    if (words != nullptr) return words;
  }
  const char* reason = ERR_reason_error_string(code);
  return reason != nullptr ? reason : "TLS";
}

const char* words_for_backend_certificate(long verified) {
  switch (verified) {
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
      return "the backend's certificate is not trusted: unable to get local issuer certificate (tls.ca)";
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return "the backend's certificate is not trusted: unable to verify the first certificate (tls.ca)";
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return "the backend's certificate is not trusted: self-signed certificate (tls.ca)";
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
      return "the backend's certificate is not trusted: self-signed certificate in certificate chain (tls.ca)";
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return "the backend's certificate has expired";
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "the backend's certificate is not valid yet";
    case X509_V_ERR_HOSTNAME_MISMATCH:
      return "the backend's certificate is for another name: hostname mismatch (tls.sni)";
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return "the backend's certificate is for another name: IP address mismatch (tls.sni)";
    default:
      return X509_verify_cert_error_string(verified);
  }
}

}  // namespace weir::tls
