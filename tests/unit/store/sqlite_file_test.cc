// Durability, and clear words when the file cannot be used.
#include "store/sqlite_file.h"

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

namespace weir::store {
namespace {

using testing::HasSubstr;

constexpr base::Nanoseconds kPatience = std::chrono::seconds(1);

// A file with the revision that its user knows.
class OpenFile {
 public:
  explicit OpenFile(std::string path) : file_(std::move(path)) {}
  Result<void> open() {
    Result<void> opened = file_.open();
    if (!opened) return opened;
    Result<Contents> contents = load();
    if (!contents) return std::unexpected(std::move(contents.error()));
    return {};
  }
  Result<Contents> load() {
    Patience patience(kPatience);
    Result<Contents> contents = file_.load(patience);
    if (contents) revision_ = contents->revision;
    return contents;
  }
  Result<std::uint64_t> commit(std::vector<Change> changes) {
    Patience patience(kPatience);
    Result<std::uint64_t> revision = file_.commit({.based_on = revision_, .changes = std::move(changes)}, patience);
    if (revision) revision_ = *revision;
    return revision;
  }

 private:
  SqliteFile file_;
  std::uint64_t revision_ = 0;
};

class SqliteFileTest : public testing::Test {
 protected:
  SqliteFileTest() : folder_(std::filesystem::temp_directory_path() / fmt::format("weir-sqlite-{:08x}", seed_())) {
    std::filesystem::create_directories(folder_);
    path_ = (folder_ / "weir.db").string();
  }
  ~SqliteFileTest() override { std::filesystem::remove_all(folder_); }

  static Result<std::unique_ptr<OpenFile>> open(const std::string& path) {
    auto file = std::make_unique<OpenFile>(path);
    Result<void> opened = file->open();
    if (!opened) return std::unexpected(std::move(opened.error()));
    return file;
  }
  Result<std::unique_ptr<OpenFile>> open() const { return open(path_); }
  // The error of opening, with its message in `why`.
  ErrorCode error(std::string& why) const {
    Result<std::unique_ptr<OpenFile>> store = open();
    EXPECT_FALSE(store);
    if (store) return ErrorCode::conflict;
    why = store.error().message;
    return store.error().code;
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

std::vector<Change> pair_of(int number) {
  std::string json = fmt::format("{{\"number\":{},\"padding\":\"{:0>500}\"}}", number, number);
  return {{"pool", "left", json}, {"pool", "right", json}, {"backend", fmt::format("p/{}", number % 100), json}};
}

TEST_F(SqliteFileTest, KeepsItsObjectsOverReopening) {
  std::uint64_t revision = (*open())->commit(pair_of(7)).value();
  Contents contents = (*open())->load().value();
  EXPECT_EQ(contents.revision, revision);
  EXPECT_EQ(contents.objects.size(), 3u);
}

TEST_F(SqliteFileTest, IsItsOwnersAlone) {
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

TEST_F(SqliteFileTest, SurvivesKillInTheMiddleOfWrites) {
  for (int round = 0; round < 5; ++round) {
    int progress[2];
    ASSERT_EQ(pipe(progress), 0);
    pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      Result<std::unique_ptr<OpenFile>> store = open();
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

    Result<std::unique_ptr<OpenFile>> store = open();  // checks integrity
    ASSERT_TRUE(store) << store.error().message;
    Contents contents = (*store)->load().value();
    std::string left, right;
    for (const Object& object : contents.objects) {
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

TEST_F(SqliteFileTest, AFullDiskFailsTheCommitAndKeepsWhatWasThere) {
  ASSERT_TRUE((*open())->commit(pair_of(1)));
  int code = with_file_limit(256 * 1024, [this] {
    Result<std::unique_ptr<OpenFile>> store = open();
    if (!store) return 1;
    for (int number = 2; number < 10'000; ++number) {
      std::vector<Change> changes = pair_of(number);
      changes[2].name = fmt::format("p/{}", number);
      Result<std::uint64_t> done = (*store)->commit(changes);
      if (done) continue;
      if (done.error().code != ErrorCode::full) return 2;
      Result<Contents> contents = (*store)->load();
      if (!contents) return 3;
      for (const Object& object : contents->objects) {
        if (object.name == "left" && object.json != *pair_of(number - 1)[0].json) return 4;
      }
      return 0;
    }
    return 5;
  });
  EXPECT_EQ(code, 0);
  Result<std::unique_ptr<OpenFile>> store = open();
  ASSERT_TRUE(store) << store.error().message;
  EXPECT_TRUE((*store)->commit(pair_of(3))) << "with room again it goes on";
}

TEST_F(SqliteFileTest, AFullDiskAtTheFirstStartIsToldAsSuch) {
  int code = with_file_limit(1000, [this] {
    Result<std::unique_ptr<OpenFile>> store = open();
    return !store && store.error().code == ErrorCode::full ? 0 : 1;
  });
  EXPECT_EQ(code, 0);
}

TEST_F(SqliteFileTest, RefusesAFileThatIsNoDatabase) {
  std::ofstream(path_) << std::string(4096, 'x');
  std::string why;
  EXPECT_EQ(error(why), ErrorCode::unusable);
  EXPECT_THAT(why, HasSubstr(path_));
  EXPECT_THAT(why, HasSubstr("not an SQLite database"));
}

TEST_F(SqliteFileTest, RefusesTheDatabaseOfAnotherProgramAndLeavesItAlone) {
  run_sql("CREATE TABLE songs(title TEXT)");
  std::string before = [&] {
    std::ifstream file(path_);
    return std::string(std::istreambuf_iterator<char>(file), {});
  }();
  std::string why;
  EXPECT_EQ(error(why), ErrorCode::unusable);
  EXPECT_THAT(why, HasSubstr("another program"));
  std::ifstream file(path_);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), before);
}

TEST_F(SqliteFileTest, RefusesAFileOfANewerWeir) {
  ASSERT_TRUE(open());
  run_sql("PRAGMA user_version=99");
  std::string why;
  EXPECT_EQ(error(why), ErrorCode::unusable);
  EXPECT_THAT(why, HasSubstr("newer Weir (schema 99"));
}

TEST_F(SqliteFileTest, RefusesADamagedFile) {
  {
    Result<std::unique_ptr<OpenFile>> store = open();
    for (int number = 0; number < 200; ++number) ASSERT_TRUE((*store)->commit(pair_of(number)));
  }
  std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(4096 + 8);
  file << std::string(6000, '\x5a');
  file.close();
  std::string why;
  EXPECT_EQ(error(why), ErrorCode::unusable);
  EXPECT_THAT(why, HasSubstr("damaged"));
}

TEST_F(SqliteFileTest, SaysThatTheFolderIsMissing) {
  path_ = (folder_ / "nowhere" / "weir.db").string();
  std::string why;
  EXPECT_EQ(error(why), ErrorCode::unavailable);
  EXPECT_THAT(why, HasSubstr("the folder must exist"));
}

TEST_F(SqliteFileTest, SaysThatTheFileIsNotWritable) {
  ASSERT_TRUE(open());
  std::filesystem::permissions(path_, std::filesystem::perms::owner_read | std::filesystem::perms::others_read);
  std::filesystem::permissions(folder_, std::filesystem::perms(0755));
  pid_t child = fork();
  if (child == 0) {
    if (geteuid() == 0 && (setegid(65534) != 0 || seteuid(65534) != 0)) _exit(3);
    Result<std::unique_ptr<OpenFile>> store = open();
    _exit(!store && store.error().message.find("not writable") != std::string::npos ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(SqliteFileTest, SaysThatAnotherProcessHoldsTheLock) {
  Result<std::unique_ptr<OpenFile>> store = open();
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open(path_.c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  Result<std::uint64_t> refused = (*store)->commit(pair_of(1));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::unavailable);
  EXPECT_THAT(refused.error().message, HasSubstr("locked"));
  ASSERT_EQ(sqlite3_exec(other, "ROLLBACK", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(other);
  EXPECT_TRUE((*store)->commit(pair_of(1)));
}

TEST_F(SqliteFileTest, NamesTheProcessThatUsesIt) {
  Result<std::unique_ptr<OpenFile>> store = open();
  std::string link = (folder_ / "link.db").string();
  std::filesystem::create_symlink(path_, link);
  for (const std::string& name : {path_, link}) {
    Result<std::unique_ptr<OpenFile>> second = open(name);
    ASSERT_FALSE(second) << name;
    EXPECT_THAT(second.error().message, HasSubstr(fmt::format("another Weir (process {})", getpid())));
  }
  EXPECT_TRUE((*store)->commit(pair_of(1))) << "the one that has it goes on";
}

TEST_F(SqliteFileTest, RefusesCommitsToAFileThatIsNotThereAnyMore) {
  Result<std::unique_ptr<OpenFile>> store = open();
  ASSERT_TRUE((*store)->commit(pair_of(1)));
  std::filesystem::rename(path_, path_ + ".moved");
  Result<std::uint64_t> refused = (*store)->commit(pair_of(2));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::unavailable);
  EXPECT_THAT(refused.error().message, HasSubstr("removed or replaced"));
  std::filesystem::rename(path_ + ".moved", path_);
  EXPECT_TRUE((*store)->commit(pair_of(3)));
}

TEST_F(SqliteFileTest, RefusesACommitThatIsBasedOnAnEarlierRevision) {
  SqliteFile file(path_);
  ASSERT_TRUE(file.open());
  Patience patience(kPatience);
  ASSERT_TRUE(file.commit({.based_on = 0, .changes = pair_of(1)}, patience));
  Patience again(kPatience);
  Result<std::uint64_t> refused = file.commit({.based_on = 0, .changes = pair_of(2)}, again);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::conflict);
}

TEST_F(SqliteFileTest, ACommitThatNobodyWaitsForChangesNothing) {
  SqliteFile file(path_);
  ASSERT_TRUE(file.open());
  Patience patience(kPatience);
  ASSERT_TRUE(patience.abandon());
  EXPECT_FALSE(file.commit({.based_on = 0, .changes = pair_of(1)}, patience));
  Patience next(kPatience);
  EXPECT_TRUE(file.commit({.based_on = 0, .changes = pair_of(1)}, next));
  EXPECT_FALSE(next.abandon()) << "too late";
}

}  // namespace
}  // namespace weir::store
