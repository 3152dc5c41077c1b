// A client's connection: between its acceptance and its session, and then in its session.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/intrusive_list.h"
#include "base/ip.h"
#include "net/client_hello.h"
#include "net/tcp.h"
#include "tls/handshake.h"
#include "worker/worker.h"

namespace weir::http2 {
class Connection;
}

namespace weir::worker {

// Findings of the stages before a session, where there are any. Version, cipher, name and protocol of a
// TLS connection are asked of its stream (tls/handshake.h).
struct ConnectionFacts {
  std::optional<base::SocketAddress> proxied_destination;         // where the client connected to, by a PROXY header
  std::optional<net::ClientHello> hello;                          // of a TLS client that passes through
  std::unique_ptr<const tls::ClientIdentity> client_certificate;  // verified; null: none was shown
  std::string also_served;  // a host other than the SNI's that is_misdirected() has allowed last
};

// An accepted connection on its way to a session; counts as open from construction on. The worker's thread only.
class Arrival {
 public:
  Arrival(Worker& owner, Listening& on, net::TcpStream connected, const base::SocketAddress& peer_address);
  Arrival(Arrival&& other) noexcept;
  Arrival& operator=(Arrival&&) = delete;
  ~Arrival();

  // Asks the listener's admission about `peer`, which must not change afterwards. False: refused, and counted as such.
  bool admit(const config::Listener& listener);

  Worker& worker;
  Listening& listening;
  net::TcpStream stream;
  base::SocketAddress peer;                // the client: the peer, or whom a trusted peer's PROXY header names
  std::unique_ptr<ConnectionFacts> facts;  // null for none

 private:
  bool counted_ = true;
  Counted counted_by_address_ = Counted::no;
};

// The port that the client connected to: by a trusted peer's PROXY header, or ours.
std::uint16_t port_of(const Arrival& client);

// How long the connection may live by its listener's max_connection_age (HTTP/2's own, if that has one); a share of
// that at random longer or shorter, so that connections opened together do not all come back together. Nothing: for
// ever.
std::optional<base::Nanoseconds> age_limit(const Arrival& client, bool http2);

// The state of an HTTP/1 connection; others are at work from their beginning.
enum class Stage : std::uint8_t {
  waiting,    // for the next request
  beginning,  // some of a request's head is there
  working,
};

// The common part of a session and its exchanges; lives in the session's frame, which is all that an idle connection
// costs.
class ClientConnection final : public Arrival, public base::ListHook<ClientConnection> {
 public:
  explicit ClientConnection(Arrival&& arrival);
  ~ClientConnection();

  // HTTP/1: past its age_limit(), after which a response says Connection: close.
  bool is_old() const;
  void limit_age();

  std::uint32_t requests = 0;
  std::uint32_t old_at_tick = 0;    // of the reactor, its lower half; 0: never
  http2::Connection* h2 = nullptr;  // of an HTTP/2 session
  Stage stage = Stage::waiting;     // what is not working has a moment when the listener closes
};

}  // namespace weir::worker
