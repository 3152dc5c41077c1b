// Objects in one SQLite file, by calls that block.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "store/patience.h"
#include "store/store.h"
#include "store/store_lock.h"

struct sqlite3;

namespace weir::store {

// One thread at a time. A file that another process has locked is waited for as long as the call's patience lasts.
class SqliteFile {
 public:
  explicit SqliteFile(std::string path) : path_(std::move(path)) {}
  ~SqliteFile();
  SqliteFile(const SqliteFile&) = delete;
  SqliteFile& operator=(const SqliteFile&) = delete;

  const std::string& path() const { return path_; }
  // Makes the file if there is none, brings an older one up to date, and checks that it is whole.
  Result<void> open();
  Result<Contents> load(Patience& patience);
  Result<std::uint64_t> commit(const Commit& commit, Patience& patience);

 private:
  class Statement;
  class Waiting;

  Error error(int code) const;
  std::unexpected<Error> unusable(std::string_view why) const;
  Result<void> execute(const char* sql);
  Result<std::int64_t> number(const char* sql);
  void keep_private() const;
  Result<void> check_owner();
  Result<void> check_place() const;
  Result<void> check_integrity();
  Result<void> migrate();
  Result<Contents> read();
  Result<std::uint64_t> write(const Commit& commit);
  void roll_back();

  std::string path_;
  StoreLock lock_;  // kept until the database is closed
  sqlite3* database_ = nullptr;
  Patience* patience_ = nullptr;  // of the call under way
};

}  // namespace weir::store
