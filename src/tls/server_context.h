// The TLS side of a listener: certificates by name, versions, client certificates, tickets.
#pragma once

#include <ctime>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "tls/certificate.h"
#include "tls/handshake_limit.h"
#include "tls/library.h"
#include "tls/ticket_keys.h"

namespace weir::tls {

enum class ClientCertificates : std::uint8_t { off, request, require };

struct ServerOptions {
  // The first is the default, for clients that name no host or another one.
  std::vector<std::shared_ptr<const Certificate>> certificates{};
  bool strict_sni = false;           // such clients are refused
  int min_version = TLS1_2_VERSION;  // or TLS1_3_VERSION
  std::vector<std::string> alpn{};   // in order of preference; empty: ALPN is not answered
  ClientCertificates client = ClientCertificates::off;
  std::string client_authorities{};                // PEM
  std::string client_revocations{};                // PEM of CRLs; empty: none are asked for
  std::shared_ptr<const TicketKeyRing> tickets{};  // null: no resumption
  // Sessions of another scope are not resumed: the listener, and what client certificates are checked against.
  std::string scope{};
  std::int64_t (*unix_time)() = nullptr;  // the time of the world, for tests; null: the system's
};

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
};

// One listener on one worker. Made on the control thread; new_connection() and the callbacks run on the worker's.
// Immutable. Outlives the handshakes that were begun with it, not the connections.
class ServerContext {
 public:
  // Fails when authorities or revocations cannot be read; the certificates were checked when loaded.
  static base::Checked<std::unique_ptr<ServerContext>> make(Library& library, ServerOptions options);
  ServerContext(const ServerContext&) = delete;
  ServerContext& operator=(const ServerContext&) = delete;

  // A server's side before its handshake; null when memory has run out.
  SSL* new_connection() const;

  // Whether who asks for `host` (SNI) is shown the same certificates as who asks for `name`, and not refused.
  bool serves_alike(std::string_view name, std::string_view host) const;

 private:
  ServerContext(Library& library, ServerOptions options) : library_(library), options_(std::move(options)) {}
  struct Callbacks;
  base::Checked<void> add_certificates();
  base::Checked<void> load_client_authorities();
  base::Checked<SSL_CTX*> add_context(const std::vector<const Certificate*>& certificates);
  SSL_CTX* find(std::string_view host) const;
  std::int64_t unix_now() const { return options_.unix_time != nullptr ? options_.unix_time() : std::time(nullptr); }

  Library& library_;
  ServerOptions options_;
  OwnedStore client_authorities_;
  std::vector<OwnedContext> contexts_;  // the default's first
  std::unordered_map<std::string, SSL_CTX*, TextHash, std::equal_to<>> exact_;
  std::unordered_map<std::string, SSL_CTX*, TextHash, std::equal_to<>>
      below_;  // "*.x" by "x", one label deep (RFC 6125)
};

// The same on every worker, by its index.
struct ServerContexts {
  std::vector<std::unique_ptr<ServerContext>> of_worker;
  std::vector<std::shared_ptr<const Certificate>> certificates;
  std::unique_ptr<HandshakeLimit> limit;  // null: none
};

}  // namespace weir::tls
