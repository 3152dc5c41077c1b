#include "tls/client_context.h"

#include <algorithm>
#include <fmt/format.h>
#include <limits>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/error.h"
#include "base/ip.h"
#include "base/try.h"
#include "tls/authorities.h"
#include "tls/context.h"
#include "tls/stream.h"
#include "tls/ticket_bounds.h"

namespace weir::tls {
namespace {

constexpr std::time_t kVerifiedSeconds = 3600;

int take_session(SSL*, SSL_SESSION* session) {
  Stream::current().on_session(session);
  return 0;  // the reference stays OpenSSL's
}

// Asks for `name`, and has it checked if `verify`. False when OpenSSL does not take it: then nothing would be checked.
bool set_name(SSL* ssl, const std::string& name, bool verify) {
  if (base::IpAddress::parse(name)) {
    // No SNI for addresses (RFC 6066 3).
    return !verify || X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name.c_str()) == 1;
  }
  if (SSL_set_tlsext_host_name(ssl, name.c_str()) != 1) return false;
  if (!verify) return true;
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return SSL_set1_host(ssl, name.c_str()) == 1;
}

// How long what a whole handshake has verified may be relied on.
std::time_t trusted_until(const SSL* ssl) {
  return std::min<std::time_t>(std::time(nullptr) + kVerifiedSeconds, chain_ends(ssl));
}

// As SSL_set_alpn_protos() wants them: each name behind its length.
std::string wire_form(const std::vector<std::string>& names) {
  std::string wire;
  for (const std::string& name : names) wire += static_cast<char>(name.size()) + name;
  return wire;
}

}  // namespace

base::Checked<std::unique_ptr<ClientContext>> ClientContext::make(Library& library, ClientOptions options) {
  std::unique_ptr<ClientContext> made(new ClientContext(std::move(options)));
  const ClientOptions& wanted = made->options_;
  made->context_ = new_context(library, TLS_client_method(), wanted.min_version);
  SSL_CTX* raw = made->context_.get();
  SSL_CTX_set_max_proto_version(raw, wanted.max_version);
  if (wanted.verify) {
    SSL_CTX_set_verify(raw, SSL_VERIFY_PEER, nullptr);
    if (wanted.authorities.empty()) {
      SSL_CTX_set1_cert_store(raw, library.system_authorities());
    } else {
      WEIR_TRY_TO(OwnedStore store, authorities(library, wanted.authorities, {}));
      SSL_CTX_set1_cert_store(raw, store.get());
    }
  }
  if (wanted.certificate != nullptr) {
    base::Checked<void> loaded = wanted.certificate->load_into(raw, library);
    if (!loaded) {
      return std::unexpected(
          fmt::format("certificate {} cannot be used: {}", wanted.certificate->name, loaded.error()));
    }
  }
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(raw, take_session);
  ERR_clear_error();
  return made;
}

SSL* ClientContext::new_connection(std::string_view host, const std::string& key,
                                   const std::vector<std::string>& alpn) {
  SSL* ssl = SSL_new(context_.get());
  if (ssl == nullptr) {
    ERR_clear_error();
    return nullptr;
  }
  SSL_set_connect_state(ssl);
  if (!set_name(ssl, std::string(name_for(host)), options_.verify)) {
    SSL_free(ssl);
    ERR_clear_error();
    return nullptr;
  }
  std::string protocols = wire_form(alpn.empty() ? options_.alpn : alpn);
  if (!protocols.empty()) {
    SSL_set_alpn_protos(ssl, reinterpret_cast<const unsigned char*>(protocols.data()),
                        static_cast<unsigned>(protocols.size()));
  }
  if (auto kept = sessions_.find(key); kept != sessions_.end()) {
    if (kept->second.verified_until > std::time(nullptr)) {
      SSL_set_session(ssl, kept->second.session.get());
    } else {
      sessions_.erase(kept);
    }
  }
  ERR_clear_error();
  return ssl;
}

std::string ClientContext::session_key(std::string_view host, std::string_view peer) const {
  return fmt::format("{}\n{}", name_for(host), peer);
}

std::time_t ClientContext::verified_until(const std::string& key) const {
  auto kept = sessions_.find(key);
  return kept != sessions_.end() ? kept->second.verified_until : 0;
}

void ClientContext::keep_session(const std::string& key, const SSL* ssl, SSL_SESSION* session,
                                 std::time_t resumed_until) {
  if (SSL_SESSION_is_resumable(session) != 1) return;
  if (sessions_.size() >= kMaxSessions && !sessions_.contains(key)) sessions_.erase(sessions_.begin());
  std::time_t until = resumed_until;
  if (until == 0) until = options_.verify ? trusted_until(ssl) : std::numeric_limits<std::time_t>::max();
  SSL_SESSION_up_ref(session);
  sessions_[key] = {OwnedSession(session), until};
}

}  // namespace weir::tls
