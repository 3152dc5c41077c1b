// Where objects made through the API live. One store is one file; stores.def lists them all.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "config/kinds.h"

namespace weir::store {

enum class StoreFault : std::uint8_t {
  conflict,     // an object is not at the revision that the change asked for
  full,         // no room: disk, quota or file size limit
  unavailable,  // cannot be read or written now: locked, read-only, I/O error
  unusable,     // not a store, damaged, or written by a newer Weir; no retry helps
};

struct StoreError {
  StoreFault fault;
  std::string message;  // for people: which store, what failed, what to do
};

template <typename T>
using StoreResult = std::expected<T, StoreError>;

struct StoredObject {
  std::string kind;  // "pool", "backend", ...; the store does not interpret it
  std::string name;  // unique within its kind; any bytes
  std::string json;
  std::uint64_t revision = 0;  // of the commit that wrote it
  friend bool operator==(const StoredObject&, const StoredObject&) = default;
};

struct StoreContents {
  std::uint64_t revision = 0;         // of the last commit
  std::vector<StoredObject> objects;  // by kind, then name
};

struct StoreChange {
  std::string kind;
  std::string name;
  std::optional<std::string> json;  // nothing: the object is deleted; deleting what is not there is no error
  // The object must be at this revision (0: must not exist), or nothing of the commit happens.
  std::optional<std::uint64_t> if_revision = {};
};

// Called from one thread, and never on the data path: a call may wait for a disk or another machine, for a few seconds
// at most. Revisions grow with every commit and are never used twice, so that a store that others write to as well can
// tell its watchers from which revision on to load().
class Store {
 public:
  virtual ~Store() = default;
  virtual StoreResult<StoreContents> load() = 0;
  // All of `changes` or none of them; `changes` names no object twice. The revision of the commit, which is durable
  // when it returns. After an error the store is as it was before.
  virtual StoreResult<std::uint64_t> commit(std::span<const StoreChange> changes) = 0;
};

// Opens the store that `choice` names. Asserts that the name is registered (configurations are validated before).
StoreResult<std::unique_ptr<Store>> open_store(const config::Choice& choice);

// The table of stores.def, in its order.
std::span<const config::KindEntry> stores();

}  // namespace weir::store
