// The commands that talk to a running Weir: status, backends, drain, enable,
// disable, eject, readmit, top, reload.
#pragma once

#include <chrono>
#include <string>

#include "app/admin_client.h"

namespace weir::app {

// Where packages let Weir listen.
inline constexpr const char* kPackagedAdminSocket = "/run/weir/admin.sock";
// Where a running Weir is looked for when nobody says: at `socket`, when one is there, else at 127.0.0.1:9090.
std::string default_admin_address(const char* socket);

// What all of them take. Each function prints to stdout what was asked, to stderr what went wrong, and returns the exit
// code: 0 done, 1 the API said no, 2 it cannot be reached.
struct AdminOptions {
  std::string address = default_admin_address(kPackagedAdminSocket);
  std::string token;
  bool json = false;  // the API's own answer instead of a table
};

int show_status(const AdminOptions& options);
int show_backends(const AdminOptions& options, const std::string& pool);

// An order about one backend; `id` may be "pool/id", or `pool` tells which of several pools.
struct BackendOrder {
  std::string id;
  std::string pool;
  std::string drain_timeout;           // "30s"; empty: the pool's
  std::string duration;                // of an ejection; empty: the pool's longest
  bool wait = false;                   // drain: return only when nothing is in progress there
  std::chrono::seconds patience{600};  // for how long
};
// Everything about one backend: its state since when and why, its last probe, its last error, its history.
int show_backend(const AdminOptions& options, const BackendOrder& order);
int drain_backend(const AdminOptions& options, const BackendOrder& order);
int enable_backend(const AdminOptions& options, const BackendOrder& order);
int disable_backend(const AdminOptions& options, const BackendOrder& order);
int eject_backend(const AdminOptions& options, const BackendOrder& order);
int readmit_backend(const AdminOptions& options, const BackendOrder& order);

// A table that is written anew every `interval` until Ctrl-C, or `rounds` times when that is above 0.
int show_top(const AdminOptions& options, std::chrono::milliseconds interval, int rounds);
// Has the configuration file read again and tells what is wrong with it, or what does not apply yet.
int reload_configuration(const AdminOptions& options);

// Tables from the API's answers, for tests and for the functions above.
std::string reload_text(const Json& answer);
std::string backends_text(const Json& backends);

}  // namespace weir::app
