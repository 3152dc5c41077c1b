// How a pool picks a backend. One strategy is one file; strategies.def lists them all.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/clock.h"
#include "base/ip.h"
#include "base/random.h"
#include "config/kinds.h"
#include "pool/backend.h"

namespace weir::balance {

inline constexpr std::uint32_t kNone = UINT32_MAX;
inline constexpr base::Nanoseconds kToldBefore{-1};

// The facts that one pick may look at. The caller fills it; strategies never touch a request.
struct PickContext {
  // The hash of the part of the request that the strategy asked for (see hash_key), by base::hash_text, or of the
  // client address (IpAddress::hash). Where that part is missing (no such header, cookie or parameter) the caller puts
  // the hash of the client address here, so that such requests spread rather than meet on one backend.
  std::uint64_t key_hash = 0;
  base::TimePoint now{};                 // the worker's cached time
  base::Random* random = nullptr;        // the worker's own; must be there
  std::span<const std::uint32_t> avoid;  // indexes already tried by this exchange; taken only when nothing else is left
};

// Which part of a request key_hash is made of, for the strategies that hash.
struct HashKeySource {
  enum class Kind : std::uint8_t { none, client_address, header, cookie, path, query } kind = Kind::none;
  std::string name;  // of the header, cookie or query parameter
};

// Built on the control thread from an immutable set, then used by all workers at once. Every function is thread-safe,
// lock-free and allocates nothing. Indexes are positions in the BackendSet it was made from, which outlives it; what
// counts as a backend's weight is weight * slow_start_percent, and both must be above 0. Workers may still use the
// strategy of an older snapshot on the same backends.
class Strategy {
 public:
  virtual ~Strategy() = default;
  // The index of the backend for new work, or kNone when the set is empty. Under 1 us at 10,000 backends.
  virtual std::uint32_t pick(const PickContext& context) = 0;
  // Work began on / ended at `index`. The caller has already changed Backend::in_flight. `latency` is to the first byte
  // of the response; zero when it failed or is unknown; kToldBefore when responded() was told.
  virtual void started(std::uint32_t index) { (void)index; }
  // The first byte came after `latency`, above zero, from work that may go on for long.
  virtual void responded(std::uint32_t index, base::Nanoseconds latency, base::TimePoint now) {
    (void)index, (void)latency, (void)now;
  }
  virtual void finished(std::uint32_t index, base::Nanoseconds latency, base::TimePoint now) {
    (void)index, (void)latency, (void)now;
  }
  virtual HashKeySource hash_key() const { return {}; }
};

// Makes the strategy `choice` names; an option that is not in it has its default. `previous` is the pool's strategy
// until now, or null: when it is of the same kind, cursors go on where they were. Not kept. Asserts that the name is
// registered (configurations are validated before). At most about 40 ms for 10,000 backends.
std::unique_ptr<Strategy> make_strategy(const config::Choice& choice, const pool::BackendSet& backends,
                                        const Strategy* previous);

// The table of strategies.def, in its order.
std::span<const config::KindEntry> strategies();

}  // namespace weir::balance
