// TLS: of listeners, towards backends, and what all of it shares.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/values.h"

namespace weir::config {

// Files of a chain with its key. Inside a listener without `cert`, a reference by name to one of Config::certificates
// or one made through the API.
struct Certificate {
  std::string name;  // given, or the path of the chain
  std::string cert;  // PEM: the leaf, then its issuers
  std::string key;   // PEM, without a passphrase; empty: in the file of the chain
  std::string ocsp;  // DER: a response to staple, from whoever fetches it; empty: Weir fetches it
  Origin origin;
  friend bool operator==(const Certificate&, const Certificate&) = default;
};

enum class TlsVersion : std::uint8_t { tls_1_2, tls_1_3 };
enum class ClientCertificateMode : std::uint8_t { off, request, require };
struct ClientCertificates {
  ClientCertificateMode mode = ClientCertificateMode::off;
  std::string ca;   // PEM file of the authorities that are believed
  std::string crl;  // PEM file with a list of each authority; empty: none are asked for
  friend bool operator==(const ClientCertificates&, const ClientCertificates&) = default;
};

// Strict-Transport-Security (RFC 6797); off while max_age is 0.
struct Hsts {
  Duration max_age{0};
  bool include_subdomains = false;
  bool preload = false;
  friend bool operator==(const Hsts&, const Hsts&) = default;
};

// TLS between a listener and its clients.
struct ListenerTls {
  std::vector<Certificate> certificates;  // the first is the default; empty: every named one
  bool strict_sni = false;                // clients that name another host, or none, are refused
  TlsVersion min_version = TlsVersion::tls_1_2;
  // Offered, in order of preference. Not set: h2 and http/1.1 on an https listener, nothing on a tcp listener.
  std::optional<std::vector<std::string>> alpn;
  ClientCertificates client;
  bool tickets = true;  // sessions can be resumed
  Duration handshake_timeout = std::chrono::seconds(10);
  std::uint32_t handshakes_per_second = 0;  // of one client address; 0 is without limit
  Hsts hsts;
  friend bool operator==(const ListenerTls&, const ListenerTls&) = default;
};

// TLS on connections to a pool's backends.
struct PoolTls {
  bool enabled = true;
  bool verify = true;
  std::string ca;                 // PEM file of the authorities that are believed; empty: the system's
  std::string sni;                // the name that is asked for and checked; empty: the backend's host
  std::string cert;               // PEM file: what Weir shows when a backend asks who it is
  std::string key;                // PEM file; empty: in that of cert
  std::vector<std::string> alpn;  // what is offered; empty: what the pool's protocol needs
  TlsVersion min_version = TlsVersion::tls_1_2;
  friend bool operator==(const PoolTls&, const PoolTls&) = default;
};

// The part of TLS that all listeners share.
struct Tls {
  Duration ticket_rotation = std::chrono::hours(12);  // a new key that seals tickets; the two before it still open
  std::string ticket_keys;  // file of keys, so that several Weirs have the same; then there is no rotation
  bool ocsp = true;         // fetch the responses to staple
  std::string ocsp_folder = "/var/lib/weir/ocsp";  // where they are kept over restarts; empty: nowhere
  friend bool operator==(const Tls&, const Tls&) = default;
};

}  // namespace weir::config
