// What only the sqlite store promises: durability, and clear words when the file cannot be used.
#include <csignal>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <random>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "store/store.h"

namespace weir::store {
namespace {

using testing::HasSubstr;

class SqliteStore : public testing::Test {
 protected:
  SqliteStore() : folder_(std::filesystem::temp_directory_path() / fmt::format("weir-sqlite-{:08x}", seed_())) {
    std::filesystem::create_directories(folder_);
    path_ = (folder_ / "weir.db").string();
  }
  ~SqliteStore() override { std::filesystem::remove_all(folder_); }

  StoreResult<std::unique_ptr<Store>> open() const {
    return open_store({.name = "sqlite", .options = {{"path", path_}}});
  }
  // The fault of opening, with its message in `why`.
  StoreFault fault(std::string& why) const {
    StoreResult<std::unique_ptr<Store>> store = open();
    EXPECT_FALSE(store);
    if (store) return StoreFault::conflict;
    why = store.error().message;
    return store.error().fault;
  }
  void run_sql(const char* sql) const {
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open(path_.c_str(), &database), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(database, sql, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(database);
    sqlite3_close(database);
  }

  std::random_device seed_;
  std::filesystem::path folder_;
  std::string path_;
};

std::vector<StoreChange> pair_of(int number) {
  std::string json = fmt::format("{{\"number\":{},\"padding\":\"{:0>500}\"}}", number, number);
  return {{"pool", "left", json}, {"pool", "right", json}, {"backend", fmt::format("p/{}", number % 100), json}};
}

TEST_F(SqliteStore, KeepsItsObjectsOverReopening) {
  std::uint64_t revision = (*open())->commit(pair_of(7)).value();
  StoreContents contents = (*open())->load().value();
  EXPECT_EQ(contents.revision, revision);
  EXPECT_EQ(contents.objects.size(), 3u);
}

TEST_F(SqliteStore, IsItsOwnersAlone) {
  using std::filesystem::perms;
  auto mode = [&](const char* suffix) { return std::filesystem::status(path_ + suffix).permissions(); };
  for (int round = 0; round < 2; ++round) {
    auto store = open();
    ASSERT_TRUE(store);
    ASSERT_TRUE((*store)->commit(pair_of(round)));
    for (const char* suffix : {"", "-wal"}) EXPECT_EQ(mode(suffix), perms::owner_read | perms::owner_write) << suffix;
    // As an earlier version or an administrator may have left it.
    std::filesystem::permissions(path_,
                                 perms::owner_read | perms::owner_write | perms::group_read | perms::others_read);
  }
}

TEST_F(SqliteStore, SurvivesKillInTheMiddleOfWrites) {
  for (int round = 0; round < 5; ++round) {
    int progress[2];
    ASSERT_EQ(pipe(progress), 0);
    pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      StoreResult<std::unique_ptr<Store>> store = open();
      if (!store) _exit(1);
      for (int number = 1;; ++number) {
        if (!(*store)->commit(pair_of(number))) _exit(2);
        if (write(progress[1], &number, sizeof number) != sizeof number) _exit(3);
      }
    }
    close(progress[1]);
    int acknowledged = 0;
    for (int number = 0; acknowledged < 20 + 7 * round && read(progress[0], &number, sizeof number) == sizeof number;) {
      acknowledged = number;
    }
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the writer failed with " << WEXITSTATUS(status);
    for (int number = 0; read(progress[0], &number, sizeof number) == sizeof number;) acknowledged = number;
    close(progress[0]);

    StoreResult<std::unique_ptr<Store>> store = open();  // checks integrity
    ASSERT_TRUE(store) << store.error().message;
    StoreContents contents = (*store)->load().value();
    std::string left, right;
    for (const StoredObject& object : contents.objects) {
      if (object.name == "left") left = object.json;
      if (object.name == "right") right = object.json;
    }
    EXPECT_EQ(left, right) << "half a commit is visible";
    bool is_last = left == *pair_of(acknowledged)[0].json || left == *pair_of(acknowledged + 1)[0].json;
    EXPECT_TRUE(is_last) << "commit " << acknowledged << " was acknowledged, the file holds " << left;
  }
}

// Runs `body` in a child process whose files may not grow above `bytes`; its exit code.
template <typename Body>
int with_file_limit(rlim_t bytes, Body body) {
  pid_t child = fork();
  if (child == 0) {
    signal(SIGXFSZ, SIG_IGN);
    rlimit limit{bytes, bytes};
    setrlimit(RLIMIT_FSIZE, &limit);
    _exit(body());
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

TEST_F(SqliteStore, AFullDiskFailsTheCommitAndKeepsWhatWasThere) {
  ASSERT_TRUE((*open())->commit(pair_of(1)));
  int code = with_file_limit(256 * 1024, [this] {
    StoreResult<std::unique_ptr<Store>> store = open();
    if (!store) return 1;
    for (int number = 2; number < 10'000; ++number) {
      std::vector<StoreChange> changes = pair_of(number);
      changes[2].name = fmt::format("p/{}", number);
      StoreResult<std::uint64_t> done = (*store)->commit(changes);
      if (done) continue;
      if (done.error().fault != StoreFault::full) return 2;
      StoreResult<StoreContents> contents = (*store)->load();
      if (!contents) return 3;
      for (const StoredObject& object : contents->objects) {
        if (object.name == "left" && object.json != *pair_of(number - 1)[0].json) return 4;
      }
      return 0;
    }
    return 5;
  });
  EXPECT_EQ(code, 0);
  StoreResult<std::unique_ptr<Store>> store = open();
  ASSERT_TRUE(store) << store.error().message;
  EXPECT_TRUE((*store)->commit(pair_of(3))) << "with room again it goes on";
}

TEST_F(SqliteStore, AFullDiskAtTheFirstStartIsToldAsSuch) {
  int code = with_file_limit(1000, [this] {
    StoreResult<std::unique_ptr<Store>> store = open();
    return !store && store.error().fault == StoreFault::full ? 0 : 1;
  });
  EXPECT_EQ(code, 0);
}

TEST_F(SqliteStore, RefusesAFileThatIsNoDatabase) {
  std::ofstream(path_) << std::string(4096, 'x');
  std::string why;
  EXPECT_EQ(fault(why), StoreFault::unusable);
  EXPECT_THAT(why, HasSubstr(path_));
  EXPECT_THAT(why, HasSubstr("not an SQLite database"));
}

TEST_F(SqliteStore, RefusesTheDatabaseOfAnotherProgramAndLeavesItAlone) {
  run_sql("CREATE TABLE songs(title TEXT)");
  std::string before = [&] {
    std::ifstream file(path_);
    return std::string(std::istreambuf_iterator<char>(file), {});
  }();
  std::string why;
  EXPECT_EQ(fault(why), StoreFault::unusable);
  EXPECT_THAT(why, HasSubstr("another program"));
  std::ifstream file(path_);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), before);
}

TEST_F(SqliteStore, RefusesAFileOfANewerWeir) {
  ASSERT_TRUE(open());
  run_sql("PRAGMA user_version=99");
  std::string why;
  EXPECT_EQ(fault(why), StoreFault::unusable);
  EXPECT_THAT(why, HasSubstr("newer Weir (schema 99"));
}

TEST_F(SqliteStore, RefusesADamagedFile) {
  {
    StoreResult<std::unique_ptr<Store>> store = open();
    for (int number = 0; number < 200; ++number) ASSERT_TRUE((*store)->commit(pair_of(number)));
  }
  std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(4096 + 8);
  file << std::string(6000, '\x5a');
  file.close();
  std::string why;
  EXPECT_EQ(fault(why), StoreFault::unusable);
  EXPECT_THAT(why, HasSubstr("damaged"));
}

TEST_F(SqliteStore, SaysThatTheFolderIsMissing) {
  path_ = (folder_ / "nowhere" / "weir.db").string();
  std::string why;
  EXPECT_EQ(fault(why), StoreFault::unavailable);
  EXPECT_THAT(why, HasSubstr("the folder must exist"));
}

TEST_F(SqliteStore, SaysThatTheFileIsNotWritable) {
  ASSERT_TRUE(open());
  std::filesystem::permissions(path_, std::filesystem::perms::owner_read | std::filesystem::perms::others_read);
  std::filesystem::permissions(folder_, std::filesystem::perms(0755));
  pid_t child = fork();
  if (child == 0) {
    if (geteuid() == 0 && (setegid(65534) != 0 || seteuid(65534) != 0)) _exit(3);
    StoreResult<std::unique_ptr<Store>> store = open();
    _exit(!store && store.error().message.find("not writable") != std::string::npos ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(SqliteStore, SaysThatAnotherProcessHoldsTheLock) {
  StoreResult<std::unique_ptr<Store>> store = open();
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open(path_.c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  StoreResult<std::uint64_t> refused = (*store)->commit(pair_of(1));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().fault, StoreFault::unavailable);
  EXPECT_THAT(refused.error().message, HasSubstr("locked"));
  ASSERT_EQ(sqlite3_exec(other, "ROLLBACK", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(other);
  EXPECT_TRUE((*store)->commit(pair_of(1)));
}

TEST_F(SqliteStore, NamesTheProcessThatUsesIt) {
  StoreResult<std::unique_ptr<Store>> store = open();
  std::string link = (folder_ / "link.db").string();
  std::filesystem::create_symlink(path_, link);
  for (const std::string& name : {path_, link}) {
    StoreResult<std::unique_ptr<Store>> second = open_store({.name = "sqlite", .options = {{"path", name}}});
    ASSERT_FALSE(second) << name;
    EXPECT_THAT(second.error().message, HasSubstr(fmt::format("another Weir (process {})", getpid())));
  }
  EXPECT_TRUE((*store)->commit(pair_of(1))) << "the one that has it goes on";
}

TEST_F(SqliteStore, RefusesCommitsToAFileThatIsNotThereAnyMore) {
  StoreResult<std::unique_ptr<Store>> store = open();
  ASSERT_TRUE((*store)->commit(pair_of(1)));
  std::filesystem::rename(path_, path_ + ".moved");
  StoreResult<std::uint64_t> refused = (*store)->commit(pair_of(2));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().fault, StoreFault::unavailable);
  EXPECT_THAT(refused.error().message, HasSubstr("removed or replaced"));
  std::filesystem::rename(path_ + ".moved", path_);
  EXPECT_TRUE((*store)->commit(pair_of(3)));
}

}  // namespace
}  // namespace weir::store
