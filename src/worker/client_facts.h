// The facts known of a client: a value that the stages before its session fill, apart from whatever carries its bytes.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/ip.h"
#include "net/client_hello.h"
#include "tls/connection_facts.h"

namespace weir::worker {

// Findings of the stages that few clients have.
struct StageFindings {
  std::optional<base::SocketAddress> destination;          // where the client connected to, by a PROXY header
  std::optional<net::ClientHello> hello;                   // of a TLS client that passes through
  std::unique_ptr<const tls::ClientIdentity> certificate;  // verified; null: none was shown
  std::string also_served;  // a host other than the SNI's that is_misdirected() has allowed last
};

// Constant once the session has begun, `also_served` aside. The worker's thread only.
struct ClientFacts {
  // Where the client connected to: by a trusted peer's PROXY header, or our address, of which the kernel is asked. Only
  // while the connection is open.
  base::SocketAddress destination() const;
  std::string_view scheme() const { return tls ? "https" : "http"; }
  const net::ClientHello* hello() const { return found && found->hello ? &*found->hello : nullptr; }
  const tls::ClientIdentity* certificate() const { return found ? found->certificate.get() : nullptr; }
  StageFindings& findings() {
    if (found == nullptr) found = std::make_unique<StageFindings>();
    return *found;
  }

  base::SocketAddress peer;                // the client: the peer, or whom a trusted peer's PROXY header names
  int socket = -1;                         // that the connection has to itself: for our address alone
  tls::ConnectionFacts tls{};              // of its TLS that ends here; nothing without
  std::unique_ptr<StageFindings> found{};  // null for none
};

}  // namespace weir::worker
