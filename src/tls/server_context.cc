#include "tls/server_context.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <fmt/format.h>
#include <map>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "base/try.h"
#include "tls/authorities.h"
#include "tls/context.h"
#include "tls/stream.h"
#include "tls/ticket_bounds.h"

namespace weir::tls {

// Callbacks of OpenSSL during a handshake, on the thread of its connection.
struct ServerContext::Callbacks {
  static int choose_by_name(SSL* ssl, int* alert, void*) {
    const ServerContext* server = Stream::current_server();
    if (server == nullptr) return SSL_TLSEXT_ERR_NOACK;
    const char* asked = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    SSL_CTX* found = asked == nullptr ? nullptr : server->find(asked);
    if (found == nullptr) {
      if (!server->options_.strict_sni && !server->options_.certificates.empty()) return SSL_TLSEXT_ERR_NOACK;
      *alert = SSL_AD_UNRECOGNIZED_NAME;
      return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    if (found != SSL_get_SSL_CTX(ssl)) SSL_set_SSL_CTX(ssl, found);
    return SSL_TLSEXT_ERR_OK;
  }

  static int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* length, const unsigned char* offered,
                             unsigned offered_bytes, void*) {
    const ServerContext* server = Stream::current_server();
    if (server == nullptr) return SSL_TLSEXT_ERR_NOACK;
    for (const std::string& ours : server->options_.alpn) {
      for (unsigned at = 0; at < offered_bytes; at += 1u + offered[at]) {
        if (offered[at] != ours.size() || std::memcmp(offered + at + 1, ours.data(), ours.size()) != 0) continue;
        *chosen = offered + at + 1;
        *length = offered[at];
        return SSL_TLSEXT_ERR_OK;
      }
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;  // RFC 7301 3.2
  }

  static int staple(SSL* ssl, void*) {
    const ServerContext* server = Stream::current_server();
    const X509* shown = SSL_get_certificate(ssl);
    if (server == nullptr || shown == nullptr) return SSL_TLSEXT_ERR_NOACK;
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned digest_bytes = 0;
    // Cached by OpenSSL after the first time.
    if (X509_digest(shown, EVP_sha256(), digest, &digest_bytes) != 1) return SSL_TLSEXT_ERR_NOACK;
    for (const auto& certificate : server->options_.certificates) {
      if (!is_hex_of(certificate->fingerprint, digest, digest_bytes)) continue;
      std::shared_ptr<const Staple::Response> response = certificate->staple->response();
      if (response == nullptr || response->next_update <= std::time(nullptr)) break;
      auto* copy = static_cast<unsigned char*>(OPENSSL_memdup(response->der.data(), response->der.size()));
      if (copy == nullptr) break;
      SSL_set_tlsext_status_ocsp_resp(ssl, copy, static_cast<long>(response->der.size()));
      return SSL_TLSEXT_ERR_OK;
    }
    return SSL_TLSEXT_ERR_NOACK;
  }

  // Seals or opens a ticket: 1 done, 2 opened and to be renewed, 0 not ours.
  static int ticket_key(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
                        int sealing) {
    const ServerContext* server = Stream::current_server();
    if (server == nullptr || server->options_.tickets == nullptr) return 0;
    std::shared_ptr<const TicketKeys> keys = server->options_.tickets->keys();
    std::size_t used = 0;
    if (sealing != 0) {
      std::memcpy(name, keys->front().name.data(), keys->front().name.size());
      if (RAND_bytes_ex(server->library_.context(), iv, EVP_MAX_IV_LENGTH, 0) != 1) return -1;
    } else {
      while (used < keys->size() && std::memcmp(name, (*keys)[used].name.data(), (*keys)[used].name.size()) != 0) {
        ++used;
      }
      if (used == keys->size()) return 0;
    }
    const TicketKey& key = (*keys)[used];
    char digest[] = "SHA256";
    OSSL_PARAM parameters[] = {OSSL_PARAM_construct_octet_string(
                                   OSSL_MAC_PARAM_KEY, const_cast<unsigned char*>(key.mac.data()), key.mac.size()),
                               OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                               OSSL_PARAM_construct_end()};
    if (EVP_MAC_CTX_set_params(mac, parameters) != 1) return -1;
    int ready = EVP_CipherInit_ex(cipher, server->library_.ticket_cipher(), nullptr, key.cipher.data(), iv, sealing);
    if (ready != 1) return -1;
    // A ticket of TLS 1.3 is for one use (RFC 8446 C.4); one of 1.2 is renewed when an older key opened it.
    bool renew = sealing == 0 && (used > 0 || SSL_version(ssl) == TLS1_3_VERSION);
    return renew ? 2 : 1;
  }

  static std::optional<TicketBounds> bounds_of(SSL_SESSION* session) {
    void* bytes = nullptr;
    std::size_t count = 0;
    if (SSL_SESSION_get0_ticket_appdata(session, &bytes, &count) != 1) return std::nullopt;
    return TicketBounds::decode({static_cast<const unsigned char*>(bytes), count});
  }

  // Before a ticket is sealed: a renewed one has the bounds of the full handshake that it goes back to.
  static int bound_ticket(SSL* ssl, void*) {
    const ServerContext* server = Stream::current_server();
    SSL_SESSION* session = SSL_get_session(ssl);
    if (server == nullptr || session == nullptr) return 0;
    std::int64_t now = server->unix_now();
    std::optional<TicketBounds> bounds;
    if (SSL_session_reused(ssl) == 1) bounds = bounds_of(session);
    if (!bounds) {
      const char* asked = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
      bounds = {
          .handshake_at = now, .verified_until = chain_ends(ssl), .name = digest_of(asked == nullptr ? "" : asked)};
      auto bytes = bounds->encode();
      if (SSL_SESSION_set1_ticket_appdata(session, bytes.data(), bytes.size()) != 1) return 0;
    }
    std::int64_t left = std::max<std::int64_t>(bounds->seconds_left(now), 0);
    if (left < SSL_SESSION_get_timeout(session)) SSL_SESSION_set_timeout(session, static_cast<long>(left));
    return 1;
  }

  // Whether a ticket that was opened may be used for this hello; if not, the client gets a full handshake.
  static SSL_TICKET_RETURN admit_ticket(SSL* ssl, SSL_SESSION* session, const unsigned char*, std::size_t,
                                        SSL_TICKET_STATUS status, void*) {
    const ServerContext* server = Stream::current_server();
    if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW) return SSL_TICKET_RETURN_IGNORE_RENEW;
    std::optional<TicketBounds> bounds = bounds_of(session);
    std::optional<std::string_view> asked = name_in_hello(ssl);
    bool admitted = server != nullptr && bounds && asked && bounds->seconds_left(server->unix_now()) > 0 &&
                    bounds->name == digest_of(*asked);
    if (!admitted) return SSL_TICKET_RETURN_IGNORE_RENEW;
    // OpenSSL keeps only names that have a certificate of their own, and of TLS 1.2 tells the session's.
    if (SSL_version(ssl) != TLS1_3_VERSION && !asked->empty()) {
      if (SSL_SESSION_set1_hostname(session, std::string(*asked).c_str()) != 1) return SSL_TICKET_RETURN_ABORT;
    }
    return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW;
  }

  static bool is_hex_of(std::string_view hex, const unsigned char* bytes, unsigned count) {
    static constexpr std::string_view kDigits = "0123456789abcdef";
    if (hex.size() != std::size_t{count} * 2) return false;
    for (unsigned i = 0; i < count; ++i) {
      if (hex[2 * i] != kDigits[bytes[i] >> 4] || hex[2 * i + 1] != kDigits[bytes[i] & 15]) return false;
    }
    return true;
  }
};

base::Checked<std::unique_ptr<ServerContext>> ServerContext::make(Library& library, ServerOptions options) {
  std::unique_ptr<ServerContext> made(new ServerContext(library, std::move(options)));
  if (made->options_.client != ClientCertificates::off) {
    WEIR_TRY(made->load_client_authorities());
  }
  WEIR_TRY(made->add_certificates());
  return made;
}

SSL* ServerContext::new_connection() const {
  SSL* ssl = SSL_new(contexts_.front().get());
  if (ssl == nullptr) {
    ERR_clear_error();
    return nullptr;
  }
  SSL_set_accept_state(ssl);
  return ssl;
}

bool ServerContext::serves_alike(std::string_view name, std::string_view host) const {
  SSL_CTX* of_host = find(host);
  if (of_host == nullptr) {
    if (options_.strict_sni || options_.certificates.empty()) return false;
    of_host = contexts_.front().get();
  }
  SSL_CTX* of_name = find(name);
  return of_host == (of_name != nullptr ? of_name : contexts_.front().get());
}

base::Checked<void> ServerContext::load_client_authorities() {
  WEIR_TRY_TO(client_authorities_, authorities(library_, options_.client_authorities, options_.client_revocations));
  return {};
}

// One context for each set of certificates that some name has: OpenSSL picks among those of different kinds by what the
// client can verify.
base::Checked<void> ServerContext::add_certificates() {
  std::map<std::string, std::array<const Certificate*, 3>> by_name;
  for (const auto& certificate : options_.certificates) {
    for (const std::string& host : certificate->names) {
      const Certificate*& place = by_name[host][static_cast<std::size_t>(certificate->kind)];
      // The first listed of two for the same name and kind is shown; an expired one only if there is no other.
      if (place == nullptr) place = certificate.get();
    }
  }
  std::map<std::vector<const Certificate*>, SSL_CTX*> made;
  auto context_of = [&](const std::array<const Certificate*, 3>& kinds) -> base::Checked<SSL_CTX*> {
    std::vector<const Certificate*> set;
    for (const Certificate* one : kinds) {
      if (one != nullptr) set.push_back(one);
    }
    SSL_CTX*& place = made[set];
    if (place == nullptr) {
      auto context = add_context(set);
      if (!context) return context;
      place = *context;
    }
    return place;
  };
  std::array<const Certificate*, 3> first{};
  if (!options_.certificates.empty()) {
    const Certificate& by_default = *options_.certificates.front();
    first[static_cast<std::size_t>(by_default.kind)] = &by_default;
    // Others for exactly its names stand beside it.
    for (const auto& other : options_.certificates) {
      const Certificate*& place = first[static_cast<std::size_t>(other->kind)];
      if (place == nullptr && other->names == by_default.names) place = other.get();
    }
  }
  WEIR_TRY(context_of(first));
  for (const auto& [host, kinds] : by_name) {
    WEIR_TRY_TO(auto* context, context_of(kinds));
    if (host.starts_with("*.")) {
      below_.emplace(host.substr(2), context);
    } else {
      exact_.emplace(host, context);
    }
  }
  return {};
}

base::Checked<SSL_CTX*> ServerContext::add_context(const std::vector<const Certificate*>& certificates) {
  OwnedContext context = new_context(library_, TLS_server_method(), options_.min_version);
  SSL_CTX* raw = context.get();
  for (const Certificate* certificate : certificates) {
    if (base::Checked<void> loaded = certificate->load_into(raw, library_); !loaded) {
      return std::unexpected(fmt::format("certificate {} cannot be used: {}", certificate->name, loaded.error()));
    }
  }
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  std::array<unsigned char, SHA256_DIGEST_LENGTH> scope;
  SHA256(reinterpret_cast<const unsigned char*>(options_.scope.data()), options_.scope.size(), scope.data());
  SSL_CTX_set_session_id_context(raw, scope.data(), scope.size());
  if (options_.tickets != nullptr) {
    SSL_CTX_set_tlsext_ticket_key_evp_cb(raw, Callbacks::ticket_key);
    SSL_CTX_set_session_ticket_cb(raw, Callbacks::bound_ticket, Callbacks::admit_ticket, nullptr);
    // One a handshake: a client that resumes gets the next one then.
    SSL_CTX_set_num_tickets(raw, 1);
  } else {
    SSL_CTX_set_options(raw, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(raw, 0);
  }
  SSL_CTX_set_tlsext_servername_callback(raw, Callbacks::choose_by_name);
  SSL_CTX_set_tlsext_status_cb(raw, Callbacks::staple);
  if (!options_.alpn.empty()) SSL_CTX_set_alpn_select_cb(raw, Callbacks::choose_protocol, nullptr);
  if (options_.client != ClientCertificates::off) {
    int mode = SSL_VERIFY_PEER;
    if (options_.client == ClientCertificates::require) mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    SSL_CTX_set_verify(raw, mode, nullptr);
    SSL_CTX_set1_cert_store(raw, client_authorities_.get());
    SSL_CTX_set0_CA_list(raw, names_of_authorities(library_, options_.client_authorities));
  }
  ERR_clear_error();
  contexts_.push_back(std::move(context));
  return raw;
}

// An exact name goes before a wildcard; a trailing dot does not count.
SSL_CTX* ServerContext::find(std::string_view host) const {
  constexpr std::size_t kLongestName = 253;
  std::array<char, kLongestName> lower;
  if (host.ends_with('.')) host.remove_suffix(1);
  if (host.empty() || host.size() > lower.size()) return nullptr;
  std::ranges::transform(host, lower.begin(), base::ascii_lower);
  std::string_view name(lower.data(), host.size());
  if (auto found = exact_.find(name); found != exact_.end()) return found->second;
  std::size_t dot = name.find('.');
  if (dot == std::string_view::npos || dot == 0) return nullptr;
  auto found = below_.find(name.substr(dot + 1));
  return found == below_.end() ? nullptr : found->second;
}

}  // namespace weir::tls
