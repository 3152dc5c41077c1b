// Gives every key a backend without remembering any: a Maglev table, of which a change of the set moves few keys.
#pragma once

#include <cstdint>
#include <vector>

#include "balance/hash_key.h"
#include "balance/maglev_table.h"
#include "pool/backend.h"

namespace weir::persist {

// Immutable. The same keys have the same backends in every Weir.
class KeyTable {
 public:
  explicit KeyTable(const pool::BackendSet& backends) {
    if (backends.empty()) return;
    std::uint32_t wanted = balance::default_maglev_size(backends.size());
    slots_ =
        balance::maglev_table(backends, balance::maglev_size_for(wanted, static_cast<std::uint32_t>(backends.size())));
  }
  // The index of the key's backend, or balance::kNone when there is none.
  std::uint32_t find(std::uint64_t key_hash) const {
    if (slots_.empty()) return balance::kNone;
    return slots_[balance::scale(balance::rehash(key_hash, 0), slots_.size())];
  }

 private:
  std::vector<std::uint32_t> slots_;
};

}  // namespace weir::persist
