// From small integers to a series, without the registry's mutex: how the request path finds its counters.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/assert.h"
#include "base/hash.h"
#include "metrics/registry.h"

namespace weir::metrics {

// The labels of a request's series, as numbers. Unused parts are 0.
struct CellKey {
  std::uint32_t listener = 0;  // ListenerSnapshot::id
  std::uint32_t route = 0;     // index among the listener's routes
  std::uint32_t backend = 0;   // Backend::slot(), or kNoBackend
  std::uint32_t code = 0;      // HTTP status, or any other small number
  static constexpr std::uint32_t kNoBackend = UINT32_MAX;
  friend bool operator==(const CellKey&, const CellKey&) = default;
};

// Worker-local table from CellKey to a handle (a Counter): open addressing, at most half full. A hit takes a
// few nanoseconds; a miss asks `fill`, which goes to the registry. Not thread-safe.
//
// Route indexes and backend slots mean something else under another configuration, so the version of the snapshot that
// an exchange runs on is part of the key, and the first look-up with a newer version forgets everything older.
template <typename Handle>
class CellTable {
 public:
  // Beyond this many entries the table forgets all and starts again, so its memory is bounded: 32 bytes an entry, at
  // most four times over.
  static constexpr std::size_t kMaxEntries = 32 * 1024;

  // `fill` is called on a miss as fill(key) and returns the handle, which must not be empty.
  template <typename Fill>
  Handle find(std::uint64_t version, const CellKey& key, Fill&& fill) {
    if (version > newest_) {
      newest_ = version;
      clear();
    }
    auto short_version = static_cast<std::uint32_t>(version);
    if (size_ > 0) {
      const Entry& entry = entries_[place(short_version, key)];
      if (entry.handle) return entry.handle;
    }
    Handle handle = fill(key);
    WEIR_ASSERT(handle);
    insert({.key = key, .version = short_version, .handle = handle});
    return handle;
  }
  void clear() {
    if (size_ > 0) std::ranges::fill(entries_, Entry{});
    size_ = 0;
  }
  std::size_t size() const { return size_; }

 private:
  struct Entry {
    CellKey key{};
    std::uint32_t version = 0;
    Handle handle{};  // empty: the place is free
  };

  static std::size_t hash(std::uint32_t version, const CellKey& key) {
    std::uint64_t first = (std::uint64_t{key.listener} << 32) | key.route;
    std::uint64_t second = (std::uint64_t{key.backend} << 32) | key.code;
    return static_cast<std::size_t>(base::mix((first ^ version) * 0x9e3779b97f4a7c15u + second));
  }
  // Where the key is, or the free place where it would be.
  std::size_t place(std::uint32_t version, const CellKey& key) const {
    std::size_t mask = entries_.size() - 1;
    std::size_t at = hash(version, key) & mask;
    while (entries_[at].handle && (entries_[at].version != version || entries_[at].key != key)) at = (at + 1) & mask;
    return at;
  }
  void insert(const Entry& entry) {
    if (size_ >= kMaxEntries) clear();
    if ((size_ + 1) * 2 > entries_.size()) grow();
    entries_[place(entry.version, entry.key)] = entry;
    ++size_;
  }
  void grow() {
    std::vector<Entry> old(std::max<std::size_t>(64, entries_.size() * 2));
    old.swap(entries_);
    for (const Entry& entry : old) {
      if (entry.handle) entries_[place(entry.version, entry.key)] = entry;
    }
  }

  std::vector<Entry> entries_;  // a power of two
  std::size_t size_ = 0;
  std::uint64_t newest_ = 0;
};

using RequestCounters = CellTable<Counter>;

}  // namespace weir::metrics
