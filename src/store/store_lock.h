// One Weir at a time uses a store's file.
#pragma once

#include <expected>
#include <string>

#include "store/store.h"

namespace weir::store {

// Holds `path`.lock for as long as it lives. The lock is the open file's (flock(2)), so it ends with the process
// however that ends; the file stays, as removing it would let two processes lock two files of that name. Any thread.
class StoreLock {
 public:
  StoreLock() = default;
  ~StoreLock();
  StoreLock(const StoreLock&) = delete;
  StoreLock& operator=(const StoreLock&) = delete;

  // Takes the lock for the file at `path`, which is there; links are followed, so that a file has one lock by whatever
  // name. `unavailable` when another process has it, and when the lock cannot be written; `full` when there is no room.
  Result<void> take(const std::string& path);

 private:
  int fd_ = -1;
};

// Whether a system call failed because there is no room: disk, quota or file size limit.
bool is_no_room(int os_error);

}  // namespace weir::store
