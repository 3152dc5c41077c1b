// Where objects made through the API live. One store is one file; stores.def lists them all.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "config/kinds.h"
#include "net/task.h"

namespace weir::store {

enum class ErrorCode : std::uint8_t {
  conflict,     // somebody else has written since the revision that the commit is based on
  full,         // no room: disk, quota or file size limit
  unavailable,  // cannot be read or written now: locked, read-only, I/O error, no answer in time
  uncertain,    // no answer in time, and the commit may still take place: load() to find out
  unusable,     // not a store, damaged, or written by a newer Weir; no retry helps
};

struct Error {
  ErrorCode code;
  std::string message;  // for people: which store, what failed, what to do
};

template <typename T>
using Result = std::expected<T, Error>;

struct Object {
  std::string kind;  // "pool", "backend", ...; the store does not interpret it
  std::string name;  // unique within its kind; any bytes
  std::string json;
  std::uint64_t revision = 0;  // of the commit that wrote it
  friend bool operator==(const Object&, const Object&) = default;
};

struct Contents {
  std::uint64_t revision = 0;   // of the last commit
  std::vector<Object> objects;  // by kind, then name
};

struct Change {
  std::string kind;
  std::string name;
  std::optional<std::string> json;  // nothing: the object is deleted; deleting what is not there is no error
};

// Changes that belong together; they name no object twice.
struct Commit {
  // The revision that the changes were made from. A configuration is valid as a whole, so any other commit since then
  // makes this one a conflict.
  std::uint64_t based_on = 0;
  std::vector<Change> changes;
};

// Used on one thread, that of a reactor; never on the data path. A call may wait for a disk or another machine, while
// the thread does other things; one load or commit at a time. A call that is cancelled, or whose deadline passes, ends
// soon: load() as unavailable, commit() as unavailable or uncertain. Revisions grow with every commit and are never
// used twice.
class Store {
 public:
  virtual ~Store() = default;
  virtual net::Task<Result<Contents>> load(base::TimePoint deadline) = 0;
  // All changes or none of them. The revision of the commit, which is durable when the call ends. After an error other
  // than `uncertain` the store is as it was before.
  virtual net::Task<Result<std::uint64_t>> commit(Commit commit, base::TimePoint deadline) = 0;
  // Ends when the store has a revision after `seen`, whoever made it, with the last one; with `seen` at the deadline,
  // and when it is cancelled. A store that only this Weir writes to may leave its own commits out.
  virtual net::Task<Result<std::uint64_t>> watch(std::uint64_t seen, base::TimePoint deadline) = 0;
};

// Opens the store that `choice` names, which may take as long as a look at a file: Weir serves nobody yet. Asserts that
// the name is registered (configurations are validated before).
Result<std::unique_ptr<Store>> open_store(const config::Choice& choice);

// The table of stores.def, in its order.
std::span<const config::KindEntry> stores();

}  // namespace weir::store
