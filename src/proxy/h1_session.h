// An HTTP/1 client connection: requests in order, one exchange each.
#pragma once

#include "base/intrusive_list.h"
#include "base/ip.h"
#include "net/task.h"
#include "net/tcp.h"
#include "proxy/worker.h"

namespace weir::proxy {

// What a session and its exchanges share; lives in the session's frame, which is all that an idle connection costs.
class ClientConnection final : public base::ListHook<ClientConnection> {
 public:
  ClientConnection(Worker& owner, Listening& on, net::TcpStream connected, const base::SocketAddress& peer_address);
  ~ClientConnection();

  Worker& worker;
  Listening& listening;
  net::TcpStream stream;
  base::SocketAddress peer;
  std::uint32_t requests = 0;
  bool idle = true;
};

// Serves the connection until it ends. Never fails: whatever goes wrong ends the connection.
net::Task<void> serve_h1(Worker& worker, Listening& listening, net::TcpStream stream, base::SocketAddress peer);

}  // namespace weir::proxy
