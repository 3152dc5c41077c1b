// The last error of something that several threads see fail.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>

#include "base/error.h"

namespace weir::pool {

class LastError {
 public:
  struct Seen {
    base::Error error;
    std::int64_t unix_ms = 0;
  };

  // Any thread. Never waits: of two errors at the same moment one is kept.
  void note(const base::Error& error, std::int64_t unix_ms) {
    std::unique_lock lock(mutex_, std::try_to_lock);
    if (lock) seen_ = Seen{error, unix_ms};
  }
  // Any thread. Nothing: none was noted.
  std::optional<Seen> get() const {
    std::lock_guard lock(mutex_);
    return seen_;
  }

 private:
  mutable std::mutex mutex_;  // guards seen_
  std::optional<Seen> seen_;
};

}  // namespace weir::pool
