// SQLite is C and reports by return codes, so nothing here throws.
//
// Durability: WAL with synchronous=FULL. A killed process loses nothing with NORMAL either, but a power cut would lose
// the last commits, and what the API has answered with 201 must still be there afterwards. One fsync per change by hand
// or script costs nobody anything.
#include "store/sqlite_file.h"

#include <array>
#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <utility>

#include "base/log.h"

namespace weir::store {
namespace {

constexpr base::Nanoseconds kOpenPatience = std::chrono::seconds(1);
constexpr base::Nanoseconds kBusyPause = std::chrono::milliseconds(10);
constexpr std::uint32_t kApplicationId = 0x57656972;  // "Weir": tells our files from another program's

// migrations[n] takes a file from schema version n to n + 1. Only ever append.
constexpr std::array kMigrations = {
    "CREATE TABLE objects(kind TEXT NOT NULL, name TEXT NOT NULL, json TEXT NOT NULL, revision INTEGER NOT NULL,"
    " PRIMARY KEY(kind, name)) WITHOUT ROWID;"
    "CREATE TABLE last_commit(only_row INTEGER PRIMARY KEY CHECK (only_row = 1), revision INTEGER NOT NULL);"
    "INSERT INTO last_commit VALUES(1, 0);",
};

// errno of the last failed call on the database's file or its log, 0 when there was none. sqlite3_system_errno() does
// not know what happened in a COMMIT.
int last_os_error(sqlite3* database) {
  for (int which : {SQLITE_FCNTL_FILE_POINTER, SQLITE_FCNTL_JOURNAL_POINTER}) {
    sqlite3_file* file = nullptr;
    int os_error = 0;
    if (sqlite3_file_control(database, "main", which, &file) != SQLITE_OK || file == nullptr) continue;
    if (file->pMethods == nullptr) continue;  // not open
    if (file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &os_error) == SQLITE_OK && os_error != 0) {
      return os_error;
    }
  }
  return sqlite3_system_errno(database);
}

}  // namespace

// One prepared statement for the length of a scope. A failed preparation or binding shows in the next step().
class SqliteFile::Statement {
 public:
  Statement(sqlite3* database, const char* sql) : code_(sqlite3_prepare_v2(database, sql, -1, &statement_, nullptr)) {}
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  // `text` must outlive the statement. Positions count from 1.
  void bind(int position, const std::string& text) {
    keep(sqlite3_bind_text64(statement_, position, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8));
  }
  void bind(int position, std::uint64_t value) {
    keep(sqlite3_bind_int64(statement_, position, static_cast<sqlite3_int64>(value)));
  }
  // SQLITE_ROW, SQLITE_DONE or an error.
  int step() { return code_ != SQLITE_OK ? code_ : sqlite3_step(statement_); }
  void reset() {
    sqlite3_reset(statement_);
    code_ = SQLITE_OK;
  }
  std::string text(int column) const {
    const unsigned char* bytes = sqlite3_column_text(statement_, column);
    if (bytes == nullptr) return {};
    return {reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
  }
  std::int64_t integer(int column) const { return sqlite3_column_int64(statement_, column); }

 private:
  void keep(int code) {
    if (code_ == SQLITE_OK) code_ = code;
  }
  sqlite3_stmt* statement_ = nullptr;
  int code_;
};

// Makes SQLite wait for locks of other processes as long as `patience` lasts, for the length of a scope.
class SqliteFile::Waiting {
 public:
  Waiting(SqliteFile& file, Patience& patience) : file_(file) {
    file_.patience_ = &patience;
    sqlite3_busy_handler(file_.database_, &Waiting::on_busy, &file_);
  }
  ~Waiting() {
    sqlite3_busy_handler(file_.database_, nullptr, nullptr);
    file_.patience_ = nullptr;
  }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;

 private:
  static int on_busy(void* file, int) {
    if (static_cast<SqliteFile*>(file)->patience_->is_over()) return 0;
    std::this_thread::sleep_for(kBusyPause);
    return 1;
  }
  SqliteFile& file_;
};

SqliteFile::~SqliteFile() { sqlite3_close_v2(database_); }

std::unexpected<Error> SqliteFile::unusable(std::string_view why) const {
  return std::unexpected(Error{ErrorCode::unusable, fmt::format("store {}: {}", path_, why)});
}

Error SqliteFile::error(int code) const {
  std::string_view text = database_ != nullptr ? sqlite3_errmsg(database_) : sqlite3_errstr(code);
  int os_error = database_ != nullptr ? last_os_error(database_) : 0;
  switch (code & 0xff) {
    case SQLITE_FULL:
      return {ErrorCode::full, fmt::format("store {}: the disk is full", path_)};
    case SQLITE_NOTADB:
      return {ErrorCode::unusable, fmt::format("store {}: the file is not an SQLite database", path_)};
    case SQLITE_CORRUPT:
      return {ErrorCode::unusable, fmt::format("store {}: the file is damaged: {}", path_, text)};
    case SQLITE_READONLY:
      return {ErrorCode::unavailable, fmt::format("store {}: the file or its folder is not writable", path_)};
    case SQLITE_BUSY:
      return {ErrorCode::unavailable, fmt::format("store {}: another process holds it locked", path_)};
    case SQLITE_IOERR:
      // The shared-memory file has no last errno; that it cannot grow has no other cause.
      if (is_no_room(os_error) || code == SQLITE_IOERR_SHMSIZE)
        return {ErrorCode::full, fmt::format("store {}: no room to write", path_)};
      break;
    default:
      break;
  }
  if (os_error != 0) {
    return {ErrorCode::unavailable,
            fmt::format("store {}: {}: {}", path_, text, std::generic_category().message(os_error))};
  }
  return {ErrorCode::unavailable, fmt::format("store {}: {}", path_, text)};
}

Result<void> SqliteFile::execute(const char* sql) {
  int code = sqlite3_exec(database_, sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return std::unexpected(error(code));
  return {};
}

Result<std::int64_t> SqliteFile::number(const char* sql) {
  Statement statement(database_, sql);
  int code = statement.step();
  if (code != SQLITE_ROW) return std::unexpected(error(code));
  return statement.integer(0);
}

// The store holds private keys: only its owner reads it. SQLite makes the log's files with the mode of the main one.
// Never opens a file that is there: closing it would drop the locks that this process has on it.
void SqliteFile::keep_private() const {
  constexpr mode_t kOthers = 077;
  for (const char* suffix : {"", "-wal", "-shm"}) {
    std::string file = path_ + suffix;
    struct stat found{};
    if (::stat(file.c_str(), &found) != 0) {
      // SQLite will say what is wrong with the path.
      int made = *suffix == '\0' ? ::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;
      if (made >= 0) ::close(made);
    } else if (S_ISREG(found.st_mode) && (found.st_mode & kOthers) != 0 &&
               ::chmod(file.c_str(), found.st_mode & 0700) == 0) {
      base::log_warning("{} could be read by other users; it is its owner's alone now", file);
    }
  }
}

Result<void> SqliteFile::open() {
  keep_private();
  int code = sqlite3_open_v2(path_.c_str(), &database_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
  if (code != SQLITE_OK) {
    Error why = error(code);
    why.message += "; the folder must exist and be writable";
    return std::unexpected(std::move(why));
  }
  sqlite3_extended_result_codes(database_, 1);
  Patience patience(kOpenPatience);
  Waiting waiting(*this, patience);
  if (sqlite3_db_readonly(database_, "main") == 1) return std::unexpected(error(SQLITE_READONLY));
  Result<void> done = check_owner();
  if (done) done = lock_.take(path_);
  if (done) done = execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL");
  if (done) done = check_integrity();
  if (done) done = migrate();
  return done;
}

// Refuses the database of another program before anything in it is changed.
Result<void> SqliteFile::check_owner() {
  Result<std::int64_t> tables = number("SELECT count(*) FROM sqlite_schema");
  if (!tables) return std::unexpected(std::move(tables.error()));
  Result<std::int64_t> owner = number("PRAGMA application_id");
  if (!owner) return std::unexpected(std::move(owner.error()));
  if (*tables > 0 && *owner != kApplicationId) return unusable("the file is the database of another program");
  return {};
}

Result<void> SqliteFile::check_integrity() {
  Statement check(database_, "PRAGMA integrity_check(1)");
  int code = check.step();
  if (code != SQLITE_ROW) return std::unexpected(error(code));
  if (std::string verdict = check.text(0); verdict != "ok") return unusable("the file is damaged: " + verdict);
  return {};
}

Result<void> SqliteFile::migrate() {
  Result<void> done = execute("BEGIN IMMEDIATE");
  if (!done) return done;
  Result<std::int64_t> version = number("PRAGMA user_version");
  if (version && std::cmp_greater(*version, kMigrations.size())) {
    roll_back();
    return unusable(fmt::format("it was written by a newer Weir (schema {}; this one knows up to {})", *version,
                                kMigrations.size()));
  }
  if (!version) done = std::unexpected(std::move(version.error()));
  for (std::size_t next = version ? static_cast<std::size_t>(*version) : 0; done && next < kMigrations.size(); ++next) {
    done = execute(kMigrations[next]);
  }
  if (done) {
    done = execute(
        fmt::format("PRAGMA application_id={}; PRAGMA user_version={}; COMMIT", kApplicationId, kMigrations.size())
            .c_str());
  }
  if (!done) roll_back();
  return done;
}

Result<Contents> SqliteFile::load(Patience& patience) {
  Waiting waiting(*this, patience);
  return read();
}

Result<Contents> SqliteFile::read() {
  // One transaction, so that objects and revision belong together.
  if (Result<void> begun = execute("BEGIN"); !begun) return std::unexpected(std::move(begun.error()));
  Contents contents;
  Result<std::int64_t> revision = number("SELECT revision FROM last_commit");
  int code = SQLITE_DONE;
  if (revision) {
    contents.revision = static_cast<std::uint64_t>(*revision);
    Statement rows(database_, "SELECT kind, name, json, revision FROM objects ORDER BY kind, name");
    while ((code = rows.step()) == SQLITE_ROW) {
      contents.objects.push_back(
          {rows.text(0), rows.text(1), rows.text(2), static_cast<std::uint64_t>(rows.integer(3))});
    }
  }
  Error failure = error(code);
  roll_back();
  if (!revision) return std::unexpected(std::move(revision.error()));
  if (code != SQLITE_DONE) return std::unexpected(std::move(failure));
  return contents;
}

// SQLite goes on writing to a file that has no name any more, and all of it would be gone with the process.
Result<void> SqliteFile::check_place() const {
  int moved = 0;
  int code = sqlite3_file_control(database_, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
  if (code != SQLITE_OK || moved == 0) return {};
  return std::unexpected(
      Error{ErrorCode::unavailable, fmt::format("store {}: the file was removed or replaced while Weir runs; put "
                                                "it back, or restart Weir, which takes what is there then",
                                                path_)});
}

Result<std::uint64_t> SqliteFile::commit(const Commit& commit, Patience& patience) {
  Waiting waiting(*this, patience);
  if (Result<void> there = check_place(); !there) return std::unexpected(std::move(there.error()));
  if (Result<void> begun = execute("BEGIN IMMEDIATE"); !begun) return std::unexpected(std::move(begun.error()));
  Result<std::uint64_t> revision = write(commit);
  if (revision && !patience.begin_commit()) {
    revision = std::unexpected(Error{ErrorCode::unavailable, fmt::format("store {}: nobody waits for it", path_)});
  }
  if (revision) {
    if (Result<void> committed = execute("COMMIT"); !committed) {
      revision = std::unexpected(std::move(committed.error()));
    }
  }
  if (!revision) roll_back();
  return revision;
}

Result<std::uint64_t> SqliteFile::write(const Commit& commit) {
  Result<std::int64_t> next = number("UPDATE last_commit SET revision = revision + 1 RETURNING revision");
  if (!next) return std::unexpected(std::move(next.error()));
  auto revision = static_cast<std::uint64_t>(*next);
  if (revision != commit.based_on + 1) {
    return std::unexpected(
        Error{ErrorCode::conflict, fmt::format("store {}: its objects were changed by something else", path_)});
  }
  Statement put(database_, "INSERT OR REPLACE INTO objects VALUES(?, ?, ?, ?)");
  Statement erase(database_, "DELETE FROM objects WHERE kind = ? AND name = ?");
  for (const Change& change : commit.changes) {
    Statement& statement = change.json ? put : erase;
    statement.bind(1, change.kind);
    statement.bind(2, change.name);
    if (change.json) {
      statement.bind(3, *change.json);
      statement.bind(4, revision);
    }
    if (int code = statement.step(); code != SQLITE_DONE) return std::unexpected(error(code));
    statement.reset();
  }
  return revision;
}

// Some errors (SQLITE_FULL, SQLITE_IOERR) have ended the transaction already. A rollback that fails leaves the
// connection in its transaction; the next BEGIN then fails and says so.
void SqliteFile::roll_back() {
  if (sqlite3_get_autocommit(database_) != 0) return;
  if (Result<void> done = execute("ROLLBACK"); !done) base::log_error("{}", done.error().message);
}

}  // namespace weir::store
