// The differences between two configurations, by the names of objects.
#pragma once

#include <string>
#include <vector>

#include "config/config.h"

namespace weir::config {

// A pool's backends, by id. A backend whose host or port changed counts as removed and added: it is another server.
struct BackendsDiff {
  std::vector<std::string> added, removed, changed;
  bool empty() const { return added.empty() && removed.empty() && changed.empty(); }
};

struct PoolChange {
  std::string name;
  bool settings = false;  // anything but the backends
  BackendsDiff backends;
};

struct ListenerChange {
  std::string name;
  bool address = false;   // needs another socket
  bool protocol = false;  // sessions of the old protocol cannot go on
  bool routes = false;
  bool settings = false;  // anything else
};

// Origins are not compared: moving an object inside the file changes nothing. Orders are those of the newer
// configuration, removed ones those of the older.
struct Diff {
  std::vector<std::string> listeners_added, listeners_removed;
  std::vector<ListenerChange> listeners_changed;
  std::vector<std::string> pools_added, pools_removed;
  std::vector<PoolChange> pools_changed;
  bool admin = false, store = false, workers = false;  // `store`, `workers` and the address in `admin` need a restart
  bool access_log = false;
  bool certificates = false;  // the named ones, or what all TLS listeners share
  bool other = false;         // global timeouts, drain_timeout, log_level, max_connections
  bool empty() const;
};

Diff diff(const Config& older, const Config& newer);

// One line per change, for the log: "pool site: 2 backends added (web-4, web-5)". Empty when nothing changed.
std::vector<std::string> summary(const Diff& diff);

}  // namespace weir::config
