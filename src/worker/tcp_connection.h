// A client's connection that TCP carries, with TLS or without.
#pragma once

#include "base/intrusive_list.h"
#include "net/tcp.h"
#include "worker/client_connection.h"

namespace weir::http2 {
class Connection;
}

namespace weir::worker {

// A session over a stream, which alone reads and writes it. Its listener knows it, and hurries it when it closes.
class TcpConnection final : public ClientConnection, public base::ListHook<TcpConnection> {
 public:
  TcpConnection(Arrival&& arrival, net::TcpStream connected)
      : ClientConnection(std::move(arrival)), stream(std::move(connected)) {
    listening.connections.push_back(*this);
  }
  ~TcpConnection() { listening.connections.remove(*this); }

  net::TcpStream stream;
  http2::Connection* h2 = nullptr;  // of an HTTP/2 session
};

}  // namespace weir::worker
