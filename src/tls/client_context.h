// The TLS side of connections to the backends of a pool.
#pragma once

#include <ctime>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "tls/certificate.h"
#include "tls/library.h"
#include "tls/server_context.h"

namespace weir::tls {

struct ClientOptions {
  bool verify = true;
  std::string authorities{};                         // PEM; empty: the system's
  std::string server_name{};                         // asked for and checked; empty: the host that is connected to
  std::shared_ptr<const Certificate> certificate{};  // what is shown when asked; null: none
  std::vector<std::string> alpn{};
  int min_version = TLS1_2_VERSION;  // or TLS1_3_VERSION
  int max_version = TLS1_3_VERSION;  // or TLS1_2_VERSION
};

// One pool's rules on one thread; everything but make() is for that thread.
class ClientContext {
 public:
  static base::Checked<std::unique_ptr<ClientContext>> make(Library& library, ClientOptions options);
  ClientContext(const ClientContext&) = delete;
  ClientContext& operator=(const ClientContext&) = delete;

  // The key of kept sessions: neither chain nor name is looked at when one is resumed, so it must have been made for
  // the same name as well as with the same `peer` (RFC 8446 4.6.1).
  std::string session_key(std::string_view host, std::string_view peer) const;
  // A client's side before its handshake, which resumes the last session of `key` if there is one; null when memory has
  // run out or the name cannot be checked. `host` is a name or an address. Without `alpn` the pool's own is offered.
  SSL* new_connection(std::string_view host, const std::string& key, const std::vector<std::string>& alpn);
  // Until when that session may be resumed, however often it is renewed: what was verified counts for an hour, and not
  // beyond the end of any certificate of the chain. 0 without a session.
  std::time_t verified_until(const std::string& key) const;
  // Keeps a copy of the reference, of a session on `ssl`, for the next connection of `key`. `resumed_until`:
  // verified_until() of the session that the connection had resumed; 0 when its handshake was a whole one.
  void keep_session(const std::string& key, const SSL* ssl, SSL_SESSION* session, std::time_t resumed_until);
  // The peer no longer wants the session.
  void forget_session(const std::string& key) { sessions_.erase(key); }

 private:
  struct Kept {
    OwnedSession session;
    std::time_t verified_until;
  };
  static constexpr std::size_t kMaxSessions = 4096;
  std::string_view name_for(std::string_view host) const {
    return options_.server_name.empty() ? host : std::string_view(options_.server_name);
  }
  explicit ClientContext(ClientOptions options) : options_(std::move(options)) {}

  ClientOptions options_;
  OwnedContext context_;
  std::unordered_map<std::string, Kept> sessions_;  // by key; the last one each
};

// The same on every worker, by its index, and behind them on the health thread.
struct ClientContexts {
  std::vector<std::unique_ptr<ClientContext>> of_thread;
};

}  // namespace weir::tls
