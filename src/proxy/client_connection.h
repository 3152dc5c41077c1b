// A client's connection: between its acceptance and its session, and then in its session.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/intrusive_list.h"
#include "base/ip.h"
#include "net/tcp.h"
#include "proxy/worker.h"

namespace weir::proxy {

// What a TLS handshake with the client found out; what does not apply is empty.
struct ClientTls {
  std::string version;              // "TLSv1.3"
  std::string cipher;               // OpenSSL's name
  std::string server_name;          // SNI
  std::string alpn;                 // what was agreed on
  std::string certificate_subject;  // of the client's certificate, once verified
  std::string certificate_names;    // its subjectAltNames, comma-separated
};

// What the stages before a session found out. A connection of a listener without such stages has none.
struct ConnectionFacts {
  std::optional<base::SocketAddress> proxied_destination;  // where the client connected to, by a PROXY header
  std::optional<ClientTls> tls;
};

// An accepted connection on its way to a session; counts as open from construction on. The worker's thread only.
class Arrival {
 public:
  Arrival(Worker& owner, Listening& on, net::TcpStream connected, const base::SocketAddress& peer_address);
  Arrival(Arrival&& other) noexcept;
  Arrival& operator=(Arrival&&) = delete;
  ~Arrival();

  Worker& worker;
  Listening& listening;
  net::TcpStream stream;
  base::SocketAddress peer;                // the client: the peer, or whom a trusted peer's PROXY header names
  std::unique_ptr<ConnectionFacts> facts;  // null for none

 private:
  bool counted_ = true;
};

// What a session and its exchanges share; lives in the session's frame, which is all that an idle connection costs.
class ClientConnection final : public Arrival, public base::ListHook<ClientConnection> {
 public:
  explicit ClientConnection(Arrival&& arrival);
  ~ClientConnection();

  std::uint32_t requests = 0;
  bool idle = true;  // closing the listener hurries whoever waits to read then
};

}  // namespace weir::proxy
