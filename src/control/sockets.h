// The listening sockets of all listeners: bound before a configuration is accepted, opened on the workers with it.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "config/config.h"
#include "config/fault.h"
#include "front/worker_thread.h"
#include "metrics/registry.h"

namespace weir::control {

// Control thread only.
class Sockets {
 public:
  // Borrowed; outlive this.
  Sockets(std::vector<front::WorkerThread*> workers, metrics::Registry& registry)
      : workers_(std::move(workers)), registry_(registry) {}
  ~Sockets();
  Sockets(const Sockets&) = delete;
  Sockets& operator=(const Sockets&) = delete;

  // Binds every address of `wanted` that is not open yet, once per worker. Where one of our listeners accepts already
  // nothing changes for its clients before follow(). Faults name the listener; then nothing is kept.
  config::Faults prepare(const config::Config& wanted);
  // The configuration was not accepted after all: closes what prepare() bound.
  void abandon();
  // It was: the next follow() is about what prepare() bound.
  void accept() { is_accepted_ = true; }
  // Brings the workers' listeners in line with `snapshot`: opens what is new on the sockets prepared and accepted,
  // closes what is gone, whose connections get `drain_timeout` to end. Call after the workers were given the snapshot.
  // A snapshot of the configuration before may come while another one is prepared.
  void follow(const worker::Snapshot& snapshot, base::Nanoseconds drain_timeout);
  // Listening sockets that are open, over all workers.
  std::size_t descriptors() const;
  // Addresses by listener name, with the real ports.
  const std::map<std::string, std::vector<std::string>>& addresses() const { return addresses_; }

 private:
  // TCP and UDP have ports of their own.
  struct Place {
    bool udp = false;
    std::string address;  // as configured
    std::string options;  // of TCP sockets, as one text
    friend auto operator<=>(const Place&, const Place&) = default;
  };
  static Place place_of(const config::Listener& listener);
  struct Bound {
    std::vector<std::vector<int>> fds_of_worker;
    std::vector<std::string> addresses;
    std::optional<std::uint32_t> before{};  // the listener whose sockets these are as well
    bool closed = false;                    // to be listened on when the configuration is accepted
  };
  struct Open {
    std::string name;
    Place place;
    std::shared_ptr<worker::ListenerRuntime> runtime;
    bool reuse_port = true;
    // For TCP: the workers', which close them only when they are told to close the listener.
    std::vector<std::vector<int>> fds_of_worker{};
  };
  bool is_open(const std::string& name, const Place& place) const;
  const Open* open_at(const Place& place) const;  // whatever its options
  bool has_socket_at(const Place& place, const base::SocketAddress& at) const;
  base::Result<Bound> bind(const config::Listener& listener) const;
  std::optional<std::uint32_t> find_before(const config::Listener& listener, const config::Config& wanted) const;
  base::Result<Bound> share(std::uint32_t before) const;
  void open(const Place& place, Bound& bound, const worker::ListenerSnapshot& listener);
  bool hand_over(const worker::ListenerSnapshot& listener, const std::set<std::uint32_t>& wanted);
  std::shared_ptr<worker::ListenerRuntime> make_runtime(const worker::ListenerSnapshot& listener) const;
  bool is_renamed(const Place& place, const config::Config& wanted) const;
  // The needs of the configuration of this machine for connections to backends.
  static config::Faults check_pools(const config::Config& wanted);
  static void close(Bound& bound);

  std::vector<front::WorkerThread*> workers_;
  metrics::Registry& registry_;
  std::map<Place, Bound> prepared_;
  bool is_accepted_ = false;
  std::map<std::uint32_t, Open> open_;  // by listener id
  // Listeners that were closed and have sockets still: handshakes under way are completed, flows go on.
  std::multimap<Place, std::shared_ptr<worker::ListenerRuntime>> left_;
  std::map<std::string, std::vector<std::string>> addresses_;
};

}  // namespace weir::control
