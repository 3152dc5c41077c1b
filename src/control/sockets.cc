#include "control/sockets.h"

#include <cstring>
#include <fmt/format.h>
#include <set>
#include <unistd.h>

#include "base/log.h"
#include "net/listener.h"

namespace weir::control {

Sockets::~Sockets() { abandon(); }

void Sockets::close(Bound& bound) {
  for (std::vector<int>& fds : bound.fds_of_worker) {
    for (int fd : fds) ::close(fd);
  }
}

void Sockets::abandon() {
  for (auto& [address, bound] : prepared_) close(bound);
  prepared_.clear();
}

bool Sockets::is_open(const std::string& name, const std::string& address) const {
  for (const auto& [id, open] : open_) {
    if (open.name == name && open.address == address) return true;
  }
  return false;
}

// Sockets that share an address divide its connections among them, of whichever program they are: an address that
// somebody else listens on is found out by binding it alone first.
base::Result<Sockets::Bound> Sockets::bind(const std::string& address) const {
  std::vector<std::string> families{address};
  if (address.starts_with("*:")) families = {"0.0.0.0" + address.substr(1), "[::]" + address.substr(1)};
  Bound bound;
  bound.fds_of_worker.resize(workers_.size());
  for (const std::string& text : families) {
    std::optional<base::SocketAddress> parsed = base::SocketAddress::parse(text);
    if (!parsed) return base::fail(base::ErrorCode::io, "not an address");
    base::SocketAddress at = *parsed;
    bool ours = false;
    for (const auto& [id, open] : open_) ours = ours || open.address == address;
    if (!ours) {
      base::Result<int> alone = net::listen_tcp(at, {});
      if (!alone) {
        close(bound);
        return std::unexpected(alone.error());
      }
      ::close(*alone);
    }
    for (std::vector<int>& fds : bound.fds_of_worker) {
      base::Result<int> fd = net::listen_tcp(at, {.reuse_port = true});
      if (!fd) {
        close(bound);
        return std::unexpected(fd.error());
      }
      // Port 0: the first socket's choice holds for all.
      at = net::local_address(*fd);
      fds.push_back(*fd);
    }
    bound.addresses.push_back(at.to_string());
  }
  return bound;
}

config::Faults Sockets::prepare(const config::Config& wanted) {
  config::Faults faults;
  for (std::size_t i = 0; i < wanted.listeners.size(); ++i) {
    const config::Listener& listener = wanted.listeners[i];
    if (is_open(listener.name, listener.address) || prepared_.contains(listener.address)) continue;
    base::Result<Bound> bound = bind(listener.address);
    if (bound) {
      prepared_.emplace(listener.address, std::move(*bound));
      continue;
    }
    faults.push_back(
        {.at = listener.origin,
         .path = fmt::format("listeners[{}].address", i),
         .message = fmt::format("cannot listen on {}: {}", listener.address, std::strerror(bound.error().os_error))});
  }
  if (!faults.empty()) abandon();
  return faults;
}

void Sockets::follow(const proxy::Snapshot& snapshot, base::Nanoseconds drain_timeout) {
  std::set<std::uint32_t> wanted;
  for (const auto& listener : snapshot.listeners) {
    wanted.insert(listener->id);
    auto known = open_.find(listener->id);
    if (known != open_.end()) continue;
    auto bound = prepared_.find(listener->config->address);
    if (bound == prepared_.end()) continue;
    auto runtime = std::make_shared<proxy::ListenerRuntime>(listener->id, listener->config->name, registry_);
    for (std::size_t i = 0; i < workers_.size(); ++i)
      workers_[i]->open_listener(runtime, bound->second.fds_of_worker[i]);
    for (const std::string& address : bound->second.addresses) {
      base::log_info("listener {}: accepting on {}", listener->config->name, address);
    }
    addresses_[listener->config->name] = bound->second.addresses;
    prepared_.erase(bound);
    open_.emplace(
        listener->id,
        Open{.name = listener->config->name, .address = listener->config->address, .runtime = std::move(runtime)});
  }
  std::erase_if(open_, [&](const auto& entry) {
    if (wanted.contains(entry.first)) return false;
    base::log_info("listener {}: closing {}", entry.second.name, entry.second.address);
    for (proxy::Worker* worker : workers_) worker->close_listener(entry.first, drain_timeout);
    return true;
  });
}

}  // namespace weir::control
