#include "tls/client_context.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/ip.h"
#include "tls/authorities.h"
#include "tls/context.h"
#include "tls/stream.h"

namespace weir::tls {
namespace {

int take_session(SSL*, SSL_SESSION* session) {
  Stream::current().on_session(session);
  return 0;  // the reference stays OpenSSL's
}

// As SSL_set_alpn_protos() wants them: each name behind its length.
std::string wire_form(const std::vector<std::string>& names) {
  std::string wire;
  for (const std::string& name : names) wire += static_cast<char>(name.size()) + name;
  return wire;
}

}  // namespace

std::expected<std::unique_ptr<ClientContext>, std::string> ClientContext::make(Library& library,
                                                                               ClientOptions options) {
  std::unique_ptr<ClientContext> made(new ClientContext(std::move(options)));
  const ClientOptions& wanted = made->options_;
  made->context_ = new_context(library, TLS_client_method(), wanted.min_version);
  SSL_CTX* raw = made->context_.get();
  if (wanted.verify) {
    SSL_CTX_set_verify(raw, SSL_VERIFY_PEER, nullptr);
    if (wanted.authorities.empty()) {
      SSL_CTX_set1_cert_store(raw, library.system_authorities());
    } else {
      auto store = authorities(library, wanted.authorities, {});
      if (!store) return std::unexpected(store.error());
      SSL_CTX_set1_cert_store(raw, store->get());
    }
  }
  if (wanted.certificate != nullptr && !wanted.certificate->load_into(raw, library)) {
    return std::unexpected(fmt::format("certificate {} cannot be used: {}", wanted.certificate->name, take_error()));
  }
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(raw, take_session);
  ERR_clear_error();
  return made;
}

SSL* ClientContext::new_connection(std::string_view host, const std::string& peer,
                                   const std::vector<std::string>& alpn) {
  SSL* ssl = SSL_new(context_.get());
  if (ssl == nullptr) {
    ERR_clear_error();
    return nullptr;
  }
  SSL_set_connect_state(ssl);
  std::string name = options_.server_name.empty() ? std::string(host) : options_.server_name;
  if (base::IpAddress::parse(name)) {
    // No SNI for addresses (RFC 6066 3).
    if (options_.verify) X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name.c_str());
  } else {
    SSL_set_tlsext_host_name(ssl, name.c_str());
    if (options_.verify) {
      SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
      SSL_set1_host(ssl, name.c_str());
    }
  }
  std::string protocols = wire_form(alpn.empty() ? options_.alpn : alpn);
  if (!protocols.empty()) {
    SSL_set_alpn_protos(ssl, reinterpret_cast<const unsigned char*>(protocols.data()),
                        static_cast<unsigned>(protocols.size()));
  }
  if (auto kept = sessions_.find(peer); kept != sessions_.end()) SSL_set_session(ssl, kept->second.get());
  ERR_clear_error();
  return ssl;
}

void ClientContext::keep_session(const std::string& peer, SSL_SESSION* session) {
  if (SSL_SESSION_is_resumable(session) != 1) return;
  if (sessions_.size() >= kMaxSessions && !sessions_.contains(peer)) sessions_.erase(sessions_.begin());
  SSL_SESSION_up_ref(session);
  sessions_[peer].reset(session);
}

}  // namespace weir::tls
