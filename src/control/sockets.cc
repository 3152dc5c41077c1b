#include "control/sockets.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <set>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "config/listen_address.h"
#include "net/listener.h"
#include "net/udp_socket.h"

namespace weir::control {
namespace {

// At least a second: what the kernel counts in.
std::chrono::seconds in_seconds(config::Duration duration) { return std::chrono::ceil<std::chrono::seconds>(duration); }

net::ListenOptions listen_options(const config::Listener& listener) {
  // Always SO_REUSEPORT, or a listener could not be replaced by another on its address.
  return {.reuse_port = true,
          .backlog = static_cast<int>(listener.socket.backlog),
          .tcp_fastopen = listener.socket.tcp_fastopen,
          .defer_accept = in_seconds(listener.socket.defer_accept),
          .keepalive = in_seconds(config::tcp_keepalive(listener))};
}

base::Result<int> duplicate(int fd) {
  int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (copy < 0) return base::fail_errno(errno, "socket");
  return copy;
}

bool may_use_any_source() {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  bool may = fd >= 0 && net::allow_any_source(fd, false);
  if (fd >= 0) ::close(fd);
  return may;
}

}  // namespace

Sockets::~Sockets() { abandon(); }

void Sockets::close(Bound& bound) {
  for (std::vector<int>& fds : bound.fds_of_worker) {
    for (int fd : fds) ::close(fd);
  }
}

void Sockets::abandon() {
  for (auto& [address, bound] : prepared_) close(bound);
  prepared_.clear();
  is_accepted_ = false;
}

Sockets::Place Sockets::place_of(const config::Listener& listener) {
  Place place{.udp = listener.protocol == config::ListenerProtocol::udp, .address = listener.address, .options = {}};
  const config::SocketOptions& options = listener.socket;
  if (!place.udp) {
    place.options = fmt::format("{} {} {} {} {}", options.backlog, options.reuse_port, options.tcp_fastopen,
                                options.defer_accept.count(), config::tcp_keepalive(listener).count());
  }
  return place;
}

bool Sockets::is_open(const std::string& name, const Place& place) const {
  for (const auto& [id, open] : open_) {
    if (open.name == name && open.place == place) return true;
  }
  return false;
}

const Sockets::Open* Sockets::open_at(const Place& place) const {
  for (const auto& [id, open] : open_) {
    if (open.place.udp == place.udp && open.place.address == place.address) return &open;
  }
  return nullptr;
}

// Whether a listener of ours, present or just closed, has a socket that takes what comes to `at`.
bool Sockets::has_socket_at(const Place& place, const base::SocketAddress& at) const {
  auto takes_it = [&](const Place& other) {
    if (other.udp != place.udp) return false;
    return std::ranges::any_of(config::socket_addresses(other.address), [&](const base::SocketAddress& one) {
      if (one.port != at.port || one.ip.is_v6() != at.ip.is_v6()) return false;
      bool overlap = !place.udp && (one.ip.is_unspecified() || at.ip.is_unspecified());
      return one == at || overlap;
    });
  };
  return std::ranges::any_of(open_, [&](const auto& entry) { return takes_it(entry.second.place); }) ||
         std::ranges::any_of(left_, [&](const auto& entry) {
           // Datagrams go by the whole group of sockets: another one is not mixed into it.
           return place.udp ? entry.first == place : takes_it(entry.first);
         });
}

// Sockets that share an address divide its connections among them, of whichever program they are: an address that
// somebody else listens on is found out by binding it alone first.
base::Result<Sockets::Bound> Sockets::bind(const config::Listener& listener) const {
  Place place = place_of(listener);
  net::ListenOptions tcp = listen_options(listener);
  net::UdpBindOptions udp{.reuse_port = true,
                          .closed = true,
                          .receive_buffer_bytes = listener.udp.receive_buffer,
                          .send_buffer_bytes = listener.udp.send_buffer};
  Bound bound;
  bound.fds_of_worker.resize(workers_.size());
  for (base::SocketAddress at : config::socket_addresses(listener.address)) {
    base::Result<int> fd = -1;
    bool ours = has_socket_at(place, at);
    if (!ours) fd = place.udp ? net::bind_udp(at, {.closed = true}) : net::listen_tcp(at, {});
    if (fd && !ours) ::close(*fd);
    // Clients of ours there are not to be queued on a socket that may be given up again.
    tcp.closed = ours;
    bound.closed = bound.closed || ours;
    for (std::size_t i = 0; fd && i < bound.fds_of_worker.size(); ++i) {
      if (place.udp) {
        fd = net::bind_udp(at, udp);
      } else {
        bool shared = i > 0 && !listener.socket.reuse_port;
        fd = shared ? duplicate(bound.fds_of_worker[0].back()) : net::listen_tcp(at, tcp);
      }
      if (!fd) break;
      // Port 0: the first socket's choice holds for all.
      at = net::local_address(*fd);
      bound.fds_of_worker[i].push_back(*fd);
    }
    if (!fd && fd.error().os_error == EAFNOSUPPORT && at.ip.is_v6() && config::is_of_every(listener.address, at)) {
      base::log_warning("listener {}: this system has no IPv6; port {} is served on IPv4 only", listener.name, at.port);
      continue;
    }
    if (!fd) {
      close(bound);
      return std::unexpected(fd.error());
    }
    bound.addresses.push_back(at.to_string());
  }
  return bound;
}

// A TCP listener that another one of `wanted` takes the place of, with another name or other options: that goes on with
// its sockets, so that no client is turned away and none waits.
std::optional<std::uint32_t> Sockets::find_before(const config::Listener& listener,
                                                  const config::Config& wanted) const {
  Place place = place_of(listener);
  if (place.udp) return std::nullopt;
  for (const auto& [id, open] : open_) {
    if (open.place.udp || open.place.address != place.address) continue;
    if (open.reuse_port != listener.socket.reuse_port && workers_.size() > 1) continue;
    if (open.name == listener.name) return id;
    bool goes_on = std::ranges::any_of(wanted.listeners, [&](const config::Listener& other) {
      Place at = place_of(other);
      return other.name == open.name && !at.udp && at.address == place.address;
    });
    // One that asks for any port asks for one of its own.
    bool has_port = std::ranges::none_of(config::socket_addresses(place.address),
                                         [](const base::SocketAddress& at) { return at.port == 0; });
    if (!goes_on && has_port) return id;
  }
  return std::nullopt;
}

base::Result<Sockets::Bound> Sockets::share(std::uint32_t before) const {
  const Open& open = open_.at(before);
  Bound bound{.fds_of_worker = {}, .addresses = addresses_.at(open.name), .before = before};
  bound.fds_of_worker.resize(open.fds_of_worker.size());
  for (std::size_t i = 0; i < open.fds_of_worker.size(); ++i) {
    for (int fd : open.fds_of_worker[i]) {
      base::Result<int> copy = duplicate(fd);
      if (!copy) {
        close(bound);
        return std::unexpected(copy.error());
      }
      bound.fds_of_worker[i].push_back(*copy);
    }
  }
  return bound;
}

// Whether the listener at `place` is another one in `wanted`, which then takes over its sockets.
bool Sockets::is_renamed(const Place& place, const config::Config& wanted) const {
  const Open* open = open_at(place);
  if (open == nullptr) return false;
  return std::ranges::none_of(wanted.listeners, [&](const config::Listener& listener) {
    return listener.name == open->name && place_of(listener) == place;
  });
}

config::Faults Sockets::check_pools(const config::Config& wanted) {
  config::Faults faults;
  for (std::size_t i = 0; i < wanted.pools.size(); ++i) {
    const config::Pool& pool = wanted.pools[i];
    if (!pool.transparent || may_use_any_source()) continue;
    faults.push_back({.at = pool.origin,
                      .path = fmt::format("pools[{}].transparent", i),
                      .message = "Weir may not connect from other addresses than this machine's: it needs the "
                                 "capability CAP_NET_ADMIN (systemd: AmbientCapabilities=CAP_NET_ADMIN)"});
  }
  return faults;
}

config::Faults Sockets::prepare(const config::Config& wanted) {
  std::erase_if(left_, [](const auto& entry) { return entry.second->listening_workers == 0; });
  config::Faults faults = check_pools(wanted);
  for (std::size_t i = 0; i < wanted.listeners.size(); ++i) {
    const config::Listener& listener = wanted.listeners[i];
    Place place = place_of(listener);
    if (is_open(listener.name, place) || prepared_.contains(place)) continue;
    // More sockets on its address would take datagrams from the flows there: see hand_over().
    if (place.udp && is_renamed(place, wanted)) continue;
    std::optional<std::uint32_t> before = find_before(listener, wanted);
    base::Result<Bound> bound = before ? share(*before) : bind(listener);
    if (bound) {
      prepared_.emplace(std::move(place), std::move(*bound));
      continue;
    }
    faults.push_back({.at = listener.origin,
                      .path = fmt::format("listeners[{}].address", i),
                      .message = net::listen_failure(listener.address, bound.error())});
  }
  if (!faults.empty()) abandon();
  return faults;
}

// A UDP listener that only has another name now: it goes on with the sockets and flows that are there, as the kernel
// spreads flows by the sockets of an address.
bool Sockets::hand_over(const worker::ListenerSnapshot& listener, const std::set<std::uint32_t>& wanted) {
  Place place = place_of(*listener.config);
  if (!place.udp) return false;
  for (auto& [id, open] : open_) {
    if (open.place != place || wanted.contains(id)) continue;
    std::shared_ptr<worker::ListenerRuntime> runtime = make_runtime(listener);
    for (front::WorkerThread* worker : workers_) worker->hand_over_udp(id, runtime);
    addresses_[listener.config->name] = addresses_[open.name];
    open_.emplace(listener.id, Open{.name = listener.config->name, .place = place, .runtime = std::move(runtime)});
    return true;
  }
  return false;
}

std::size_t Sockets::descriptors() const {
  std::size_t count = 0;
  for (const auto& [id, open] : open_) {
    for (const std::vector<int>& fds : open.fds_of_worker) count += fds.size();
  }
  return count;
}

std::shared_ptr<worker::ListenerRuntime> Sockets::make_runtime(const worker::ListenerSnapshot& listener) const {
  auto runtime = std::make_shared<worker::ListenerRuntime>(listener.id, listener.config->name, registry_);
  runtime->listening_workers = static_cast<std::uint32_t>(workers_.size());
  return runtime;
}

void Sockets::open(const Place& place, Bound& bound, const worker::ListenerSnapshot& listener) {
  const config::Listener& wanted = *listener.config;
  for (auto [left, end] = left_.equal_range(place); left != end; ++left) {
    for (front::WorkerThread* worker : workers_) worker->cut_udp(left->second->id);
  }
  // The group is complete: from now on a client's datagrams come to the same worker always.
  for (const std::vector<int>& fds : bound.fds_of_worker) {
    for (int fd : fds) {
      if (place.udp) {
        net::listen_now(fd);
      } else if (bound.before || bound.closed) {
        base::Result<void> listening = net::listen_with(fd, listen_options(wanted));
        if (!listening)
          base::log_error("listener {}: {}", wanted.name, net::listen_failure(wanted.address, listening.error()));
      }
    }
  }
  std::size_t most = workers_.front()->worker().services.descriptors.max_flows();
  if (place.udp && wanted.udp.max_flows > most) {
    base::log_warning(
        "listener {}: udp.max_flows is {}, but all UDP flows together are bounded by {}, half of the limit on open "
        "files (ulimit -n) or less",
        wanted.name, wanted.udp.max_flows, most);
  }
  std::shared_ptr<worker::ListenerRuntime> runtime = make_runtime(listener);
  for (std::size_t i = 0; i < workers_.size(); ++i) workers_[i]->open_listener(runtime, bound.fds_of_worker[i]);
  for (const std::string& address : bound.addresses) {
    base::log_info("listener {}: accepting on {}", wanted.name, address);
  }
  addresses_[wanted.name] = bound.addresses;
  Open opened{.name = wanted.name,
              .place = place,
              .runtime = std::move(runtime),
              .reuse_port = wanted.socket.reuse_port,
              .fds_of_worker = std::move(bound.fds_of_worker)};
  open_.emplace(listener.id, std::move(opened));
}

void Sockets::follow(const worker::Snapshot& snapshot, base::Nanoseconds drain_timeout) {
  std::set<std::uint32_t> wanted;
  std::set<std::uint32_t> followed;  // whose sockets another one goes on with
  for (const auto& listener : snapshot.listeners) wanted.insert(listener->id);
  for (const auto& listener : snapshot.listeners) {
    auto known = open_.find(listener->id);
    if (known != open_.end() || !is_accepted_) continue;
    if (hand_over(*listener, wanted)) continue;
    Place place = place_of(*listener->config);
    auto bound = prepared_.find(place);
    if (bound == prepared_.end()) continue;
    if (bound->second.before) followed.insert(*bound->second.before);
    open(place, bound->second, *listener);
    prepared_.erase(bound);
  }
  std::erase_if(open_, [&](const auto& entry) {
    if (wanted.contains(entry.first)) return false;
    base::log_info("listener {}: closing {}", entry.second.name, entry.second.place.address);
    left_.emplace(entry.second.place, entry.second.runtime);
    for (front::WorkerThread* worker : workers_) {
      worker->close_listener(entry.first, drain_timeout, followed.contains(entry.first));
    }
    return true;
  });
  // Sockets that no listener of the snapshot asks for must not stay and be given connections by the kernel.
  if (is_accepted_) abandon();
}

}  // namespace weir::control
