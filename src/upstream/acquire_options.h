// The options of an exchange that needs a connection to a backend.
#pragma once

#include <memory>
#include <string_view>

#include "base/clock.h"
#include "base/ip.h"
#include "config/config.h"
#include "metrics/registry.h"
#include "pool/backend.h"
#include "tls/connect.h"

namespace weir::upstream {

// Counters of a pool's connections; handles into the registry.
struct ConnectionMetrics {
  metrics::Counter opened;
  metrics::Counter reused;
  metrics::Counter taken_over;
};

// The settings of a pool that an exchange needs to get a connection.
struct AcquireOptions {
  bool wants_tls() const { return tls != nullptr && *tls != nullptr; }

  const pool::BackendEntry* backend;  // alive until acquire() ends: the caller holds its snapshot
  const config::UpstreamConnections* settings;
  base::Nanoseconds connect_timeout;  // for each address
  base::Nanoseconds queue_timeout;    // at max_connections, in all
  const ConnectionMetrics* metrics;
  // TLS to the backends; null, or a null pointer: none. Connections of other rules are not reused.
  const std::shared_ptr<const tls::ClientContexts>* tls = nullptr;
  // The only protocol to offer by ALPN; empty: the pool's own.
  std::string_view only_protocol = {};
  bool established = false;        // HTTP/2: only a connection whose SETTINGS have come
  bool fresh = false;              // do not reuse: the last reused connection died
  base::TimePoint opened_since{};  // HTTP/2: only a connection that is no older
  // The request cannot be sent again: of a connection that others have used the kernel is asked whether the backend has
  // closed it.
  bool unrepeatable = false;
  // For one client only: neither one that others have used, nor one that others may use.
  bool unshared = false;
  std::string_view preamble = {};           // sent before anything else on a new connection; outlives acquire()
  const base::IpAddress* source = nullptr;  // of the connection (net::ConnectOptions::source); outlives acquire()
};

}  // namespace weir::upstream
