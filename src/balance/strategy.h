// How a pool picks a backend. One strategy is one file; strategies.def lists them all.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "base/clock.h"
#include "base/ip.h"
#include "base/random.h"
#include "config/kinds.h"
#include "pool/backend.h"

namespace weir::balance {

inline constexpr std::uint32_t kNone = UINT32_MAX;

// What one pick may look at. The caller fills it; strategies never touch a request.
struct PickContext {
  std::uint64_t key_hash = 0;      // of the hash key the strategy asked for (see hash_key), or of the client address
  base::TimePoint now{};           // the worker's cached time
  base::Random* random = nullptr;  // the worker's own
  std::span<const std::uint32_t> avoid;  // indexes already tried by this exchange; taken only when nothing else is left
};

// Which part of a request key_hash is made of, for the strategies that hash.
struct HashKeySource {
  enum class Kind : std::uint8_t { none, client_address, header, cookie, path, query } kind = Kind::none;
  std::string name;  // of the header, cookie or query parameter
};

// Built on the control thread from an immutable set, then used by all workers at once. Every function is thread-safe,
// lock-free and allocates nothing. Indexes are positions in the BackendSet it was made from, which outlives it.
class Strategy {
 public:
  virtual ~Strategy() = default;
  // The index of the backend for new work, or kNone when the set is empty. Under 1 us at 10,000 backends.
  virtual std::uint32_t pick(const PickContext& context) = 0;
  // Work began on / ended at `index`. The caller has already changed Backend::in_flight. `latency` is to the first byte
  // of the response; zero when it failed or is unknown.
  virtual void started(std::uint32_t index) { (void)index; }
  virtual void finished(std::uint32_t index, base::Nanoseconds latency, base::TimePoint now) {
    (void)index, (void)latency, (void)now;
  }
  virtual HashKeySource hash_key() const { return {}; }
};

// Makes the strategy `choice` names. `previous` is the pool's strategy until now when it was made by the same choice,
// or null: cursors go on where they were. Asserts that the name is registered (configurations are validated before).
std::unique_ptr<Strategy> make_strategy(const config::Choice& choice, const pool::BackendSet& backends,
                                        const Strategy* previous);

// The table of strategies.def, in its order.
std::span<const config::KindEntry> strategies();

}  // namespace weir::balance
