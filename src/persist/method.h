// How a client stays with its backend. One method is one file; methods.def lists them all.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "balance/strategy.h"
#include "base/arena.h"
#include "config/kinds.h"
#include "http/message.h"
#include "persist/sticky_key.h"
#include "pool/backend.h"

namespace weir::persist {

// A client as a method sees it. Views for the call only.
struct Client {
  std::uint64_t address_hash = 0;              // IpAddress::hash
  const http::RequestHead* request = nullptr;  // null: a TCP connection or UDP flow, which has none
  std::int64_t unix_seconds = 0;
  bool over_tls = false;  // the client speaks TLS to Weir
};

// Where a client belongs.
struct Match {
  std::uint32_t index = balance::kNone;  // of the backend in the set; kNone: the client is free to go anywhere
  bool is_due = false;                   // chosen() must be called even if that backend serves the client
};

// Made on the control thread for one immutable set of backends, then used by all workers at once: every function is
// thread-safe and lock-free, and allocates from the caller's arena only. A set that is empty matches nobody.
class Method {
 public:
  virtual ~Method() = default;
  // The backend that the client belongs to, asked before the strategy. It may be one that takes no new work any more:
  // only backends of the set match.
  virtual Match find(const Client& client) const = 0;
  // Another backend than find() named serves the client from now on, or find() said that this is due. The value of the
  // Set-Cookie field that the client must get with its response, in `arena`; empty: the client is told nothing.
  virtual std::string_view chosen(const Client& client, std::uint32_t index, base::Arena& arena) const {
    return static_cast<void>(client), static_cast<void>(index), static_cast<void>(arena), std::string_view();
  }
  // The mark that clients are known by, for people: "the cookie SERVERID".
  virtual std::string known_by() const = 0;
};

// The pool of a method. All of it outlives the method, but for the key.
struct MethodSetting {
  std::string_view pool;
  const pool::BackendSet& backends;
  const StickyKey& key;
};

// Makes the method that `choice` names; an option that is not in it has its default. Asserts that the name is
// registered (configurations are validated before).
std::unique_ptr<Method> make_method(const config::Choice& choice, const MethodSetting& setting);

// The table of methods.def, in its order.
std::span<const config::KindEntry> methods();

}  // namespace weir::persist
