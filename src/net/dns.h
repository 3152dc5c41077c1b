// Names to addresses, asynchronously, over c-ares.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/ip.h"
#include "net/reactor.h"
#include "net/task.h"

namespace weir::net {

struct Resolution {
  // Without duplicates, IPv4 before IPv6, each in numeric order: an answer in another order is the same answer.
  std::vector<base::IpAddress> addresses;
  base::Nanoseconds ttl{0};  // of the shortest record, clamped; Nanoseconds::max() for an address literal
};

struct ResolverOptions {
  // "10.0.0.53:53", several with commas; empty: as /etc/resolv.conf says.
  std::string servers;
  std::chrono::milliseconds try_timeout{2000};  // of one question to one server; doubles with each round
  int tries = 2;                                // rounds over all servers
  base::Nanoseconds min_ttl = std::chrono::seconds(1);
  base::Nanoseconds max_ttl = std::chrono::hours(1);
};

// A and AAAA together, /etc/hosts first as nsswitch.conf says. Belongs to one reactor's thread: created, used and
// destroyed there. Questions for the same name at the same time are asked once, and
// at most 64 at a time; more wait their turn.
//
// c-ares keeps a channel broken after some failures and reads resolv.conf once. So the channel is given up for a new
// one after a refused or timed-out question and when resolv.conf has changed.
class Resolver {
 public:
  explicit Resolver(ResolverOptions options = {});
  // No task may still wait in resolve().
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // An address literal ("10.0.0.1", "::1", "[::1]") is answered at once. Errors: not_found (no such name, or no
  // address), timeout (the deadline passed, or no server answered), refused (no server would answer or could),
  // cancelled, protocol (no name at all, or a garbled answer).
  Task<base::Result<Resolution>> resolve(std::string host, base::TimePoint deadline);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace weir::net
