// What connections to the backends of a pool need.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

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
};

// One pool's rules on one thread; everything but make() is for that thread.
class ClientContext {
 public:
  static std::expected<std::unique_ptr<ClientContext>, std::string> make(Library& library, ClientOptions options);
  ClientContext(const ClientContext&) = delete;
  ClientContext& operator=(const ClientContext&) = delete;

  // A client's side before its handshake, which resumes the last session with `peer` if there is one; null when memory
  // has run out. `host` is a name or an address. Without `alpn` the pool's own is offered.
  SSL* new_connection(std::string_view host, const std::string& peer, const std::vector<std::string>& alpn);
  // Keeps a copy of the reference for the next connection to `peer`.
  void keep_session(const std::string& peer, SSL_SESSION* session);
  // The peer no longer wants the session.
  void forget_session(const std::string& peer) { sessions_.erase(peer); }

 private:
  static constexpr std::size_t kMaxSessions = 4096;
  explicit ClientContext(ClientOptions options) : options_(std::move(options)) {}

  ClientOptions options_;
  OwnedContext context_;
  std::unordered_map<std::string, OwnedSession> sessions_;  // by peer; the last one each
};

// The same on every worker, by its index, and behind them on the health thread.
struct ClientContexts {
  std::vector<std::unique_ptr<ClientContext>> of_thread;
};

}  // namespace weir::tls
