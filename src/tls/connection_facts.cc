#include "tls/connection_facts.h"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/ip.h"
#include "tls/certificate.h"
#include "tls/stream.h"

namespace weir::tls {
namespace {

std::string_view view(const char* text) { return text == nullptr ? std::string_view() : std::string_view(text); }

}  // namespace

ConnectionFacts::ConnectionFacts(ssl_st* ssl) : ssl_(ssl) { SSL_up_ref(ssl); }

ConnectionFacts::~ConnectionFacts() {
  if (ssl_ != nullptr) SSL_free(ssl_);
}

ConnectionFacts ConnectionFacts::of(const net::TcpStream& stream) {
  if (!stream || !stream.is_filtered()) return {};
  return ConnectionFacts(Stream::of(const_cast<net::TcpStream&>(stream).descriptor()).ssl());
}

std::string_view ConnectionFacts::version() const { return view(SSL_get_version(ssl_)); }
bool ConnectionFacts::is_version_1_3() const { return SSL_version(ssl_) == TLS1_3_VERSION; }
std::string_view ConnectionFacts::cipher() const { return view(SSL_get_cipher_name(ssl_)); }
std::string_view ConnectionFacts::server_name() const {
  return view(SSL_get_servername(ssl_, TLSEXT_NAMETYPE_host_name));
}
std::string_view ConnectionFacts::protocol() const {
  const unsigned char* name = nullptr;
  unsigned length = 0;
  SSL_get0_alpn_selected(ssl_, &name, &length);
  return {reinterpret_cast<const char*>(name), length};
}
bool ConnectionFacts::resumed() const { return SSL_session_reused(ssl_) != 0; }

bool ConnectionFacts::certificate_covers(std::string_view host) const {
  X509* shown = SSL_get_certificate(ssl_);
  if (shown == nullptr || host.empty()) return false;
  if (base::IpAddress::parse(host)) {
    return X509_check_ip_asc(shown, std::string(host).c_str(), 0) == 1;
  }
  return X509_check_host(shown, host.data(), host.size(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, nullptr) == 1;
}

std::unique_ptr<const ClientIdentity> ConnectionFacts::client_identity() const {
  const X509* certificate = SSL_get0_peer_certificate(ssl_);
  if (certificate == nullptr) return nullptr;
  auto identity = std::make_unique<ClientIdentity>();
  identity->subject = text_of(X509_get_subject_name(certificate));
  identity->common_name = common_name_of(X509_get_subject_name(certificate));
  identity->names = alternative_names(certificate);
  identity->fingerprint = fingerprint_of(certificate);
  return identity;
}

}  // namespace weir::tls
