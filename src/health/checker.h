// One kind of active probe. One checker is one file; checkers.def lists them all.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ip.h"
#include "config/kinds.h"
#include "health/check_result.h"
#include "net/programs.h"
#include "net/task.h"
#include "tls/client_context.h"

namespace weir::health {

// The backend to probe. The views outlive the probe; the caller keeps them.
struct CheckTarget {
  base::SocketAddress address;
  std::string_view host;         // as configured: what an HTTP checker sends unless told otherwise
  std::string_view path;         // overrides the checker's own path; empty: does not
  base::Nanoseconds timeout{0};  // for the whole probe
  // The TLS contexts of checkers over TCP, HTTP and gRPC; null: no TLS. The health thread's is the last.
  std::shared_ptr<const tls::ClientContexts> tls{};
  config::PoolProtocol protocol = config::PoolProtocol::http_1_1;  // what traffic speaks
  config::SendProxy proxy_protocol = config::SendProxy::off;       // in front of everything else, but for UDP
  // Asked for in place of the path or service: whether the backend is ready, not whether it is alive. Empty: it is not.
  std::string_view ready{};
  std::string_view pool{};            // for programs that probe
  std::string_view id{};              // likewise
  net::Programs* programs = nullptr;  // of all checks of the thread together; null: the checker has its own
};

// Made from the options of one pool, used for all its backends at once. Lives on the health thread.
class Checker {
 public:
  virtual ~Checker() = default;
  // Probes once. Ends before `timeout`, leaves no connection open, and reads at most 64 KB of body. When its chain of
  // tasks is cancelled it ends at once with a failure that means nothing.
  virtual net::Task<CheckResult> check(CheckTarget target) = 0;
  // The question of a probe with that path, for people: "GET /health"; empty where the checker's name says all.
  virtual std::string question(std::string_view path) const { return static_cast<void>(path), std::string(); }
  // The path or service that says whether a backend is ready, for CheckTarget::ready of further probes; empty: none.
  virtual std::string_view ready() const { return {}; }
};

// Makes the checker that `choice` names. Asserts that the name is registered. With options that faults_of() finds wrong
// it makes one that always fails and says why: nothing is probed otherwise than asked for.
std::unique_ptr<Checker> make_checker(const config::Choice& choice);

// The table of checkers.def, in its order.
std::span<const config::KindEntry> checkers();

// Every option of `choice` that is wrong beyond its type. None when no checker has that name.
std::vector<config::OptionFault> faults_of(const config::Choice& choice);

}  // namespace weir::health
