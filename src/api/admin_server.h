// Serves the admin API over HTTP/1.1 on the control thread, so that a slow admin client never slows traffic.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <sys/types.h>
#include <utility>
#include <vector>

#include "api/api.h"
#include "base/error.h"
#include "net/listener.h"
#include "net/task_group.h"
#include "net/wait.h"

namespace weir::api {

// Control thread only. One request at a time on a connection; heads up to 16 KB, bodies up to kMaxBodyBytes, 256
// connections at most, of which an eighth is kept for this machine, so that a flood from elsewhere cannot lock its
// operator out; 64 of them, a quarter at most, may be streams of events. Where there is no room the connection that has
// waited longest without a request makes way. Deadlines: 10 s for a head, 30 s for a body, 60 s idle, 30 s without
// progress for an answer.
class AdminServer {
 public:
  // Borrowed; outlive the server. At most so many connections, if that is fewer.
  AdminServer(Api& api, control::EventLog& events, std::size_t max_connections = SIZE_MAX);
  ~AdminServer();
  AdminServer(const AdminServer&) = delete;
  AdminServer& operator=(const AdminServer&) = delete;

  // `listen` is "host:port" or "unix:/path". Errors of binding. Clients that connect wait for serve().
  base::Result<void> open(const std::string& listen);
  // Begins to accept. Once, after open().
  void serve();
  // Ends the acceptors and every connection; await it before destruction.
  net::Task<void> close();
  // "127.0.0.1:9090" with the real port, or "unix:/path".
  const std::string& address() const { return address_; }

 private:
  struct Connection;
  struct Stream;
  net::Task<void> accept(net::Listener listener, bool is_unix);
  bool make_room(bool is_local);
  net::Task<void> serve_connection(int fd, std::string peer, bool is_local);
  net::Task<bool> serve_one(Connection& connection);
  net::Task<bool> read_request(Connection& connection, ApiRequest& request, bool& keep);
  net::Task<void> refuse(Connection& connection, const ApiResponse& response);
  net::Task<bool> respond(Connection& connection, const ApiResponse& response, bool head_only, bool keep);
  net::Task<bool> stream_events(Connection& connection, std::uint64_t after);
  net::Task<void> send_events(Connection& connection, Stream& stream, std::uint64_t after);
  static net::Task<void> watch(Connection& connection, Stream& stream);
  void wake_streams();

  Api& api_;
  control::EventLog& events_;
  std::size_t max_connections_;
  std::optional<net::Listener> listening_;  // between open() and serve()
  net::TaskGroup acceptors_;
  net::TaskGroup connections_;
  std::size_t remote_connections_ = 0;
  std::vector<Stream*> streams_;
  std::vector<Connection*> waiting_;  // without a whole request head; the one that has waited longest first
  std::string address_;
  std::string unix_path_;
  std::pair<dev_t, ino_t> unix_inode_{};
};

}  // namespace weir::api
