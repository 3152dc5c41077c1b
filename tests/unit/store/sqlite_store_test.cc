// A slow file keeps nothing else waiting.
#include <filesystem>
#include <fmt/format.h>
#include <random>
#include <sqlite3.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "net/task_group.h"
#include "net/wait.h"
#include "store/store.h"

namespace weir::store {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

class SqliteStoreTest : public testing::Test {
 protected:
  SqliteStoreTest() : folder_(std::filesystem::temp_directory_path() / fmt::format("weir-sqlite-{:08x}", seed_())) {
    reactor_.adopt_thread();
    std::filesystem::create_directories(folder_);
    path_ = (folder_ / "weir.db").string();
    store_ = open_store({.name = "sqlite", .options = {{"path", path_}}}).value();
  }
  ~SqliteStoreTest() override {
    unlock();
    store_.reset();
    std::filesystem::remove_all(folder_);
  }

  // As another process does.
  void lock() {
    ASSERT_EQ(sqlite3_open(path_.c_str(), &other_), SQLITE_OK);
    ASSERT_EQ(sqlite3_exec(other_, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  }
  void unlock() {
    sqlite3_close(other_);
    other_ = nullptr;
  }
  net::Task<void> commit(base::Nanoseconds patience, std::optional<Result<std::uint64_t>>& result) {
    Commit commit{.based_on = 0, .changes = {{"pool", "a", "{}"}}};
    result.emplace(co_await store_->commit(std::move(commit), reactor_.now() + patience));
  }
  net::Task<void> count_turns() {
    while (true) {
      base::Result<void> slept = co_await net::sleep_for(milliseconds(5));
      if (!slept) co_return;
      ++turns_;
    }
  }
  void run_until(const std::function<bool()>& done) {
    while (!done()) reactor_.run_once(reactor_.now() + milliseconds(100));
  }

  std::random_device seed_;
  std::filesystem::path folder_;
  std::string path_;
  net::Reactor reactor_;
  sqlite3* other_ = nullptr;
  int turns_ = 0;
  std::unique_ptr<Store> store_;
};

TEST_F(SqliteStoreTest, TheThreadGoesOnWhileACommitWaitsForTheFile) {
  lock();
  std::optional<Result<std::uint64_t>> result;
  net::TaskGroup tasks;
  tasks.spawn(count_turns());
  tasks.spawn(commit(std::chrono::seconds(10), result));
  run_until([&] { return turns_ >= 20; });
  EXPECT_FALSE(result);
  unlock();
  run_until([&] { return result.has_value(); });
  EXPECT_TRUE(*result) << result->error().message;
  tasks.cancel();
  run_until([&] { return tasks.size() == 0; });
}

TEST_F(SqliteStoreTest, ACommitThatWaitsTooLongSaysWhoHoldsTheFile) {
  lock();
  std::optional<Result<std::uint64_t>> result;
  net::TaskGroup tasks;
  // The call gives up an eighth of it earlier than its caller: half a second, also for a busy machine.
  tasks.spawn(commit(std::chrono::seconds(4), result));
  run_until([&] { return result.has_value(); });
  ASSERT_FALSE(*result);
  EXPECT_EQ(result->error().code, ErrorCode::unavailable);
  EXPECT_THAT(result->error().message, HasSubstr("another process holds it locked"));
}

TEST_F(SqliteStoreTest, ACommitThatIsCancelledChangesNothing) {
  lock();
  std::optional<Result<std::uint64_t>> result;
  net::TaskGroup tasks;
  tasks.spawn(commit(std::chrono::seconds(10), result));
  tasks.cancel();
  run_until([&] { return result.has_value(); });
  ASSERT_FALSE(*result);
  EXPECT_EQ(result->error().code, ErrorCode::unavailable);
  unlock();
  result.reset();
  net::TaskGroup again;
  again.spawn(commit(std::chrono::seconds(10), result));
  run_until([&] { return result.has_value(); });
  ASSERT_TRUE(*result);
  EXPECT_EQ(**result, 1u) << "the first commit of this file";
}

TEST_F(SqliteStoreTest, EndsSoonWhileTheFileIsLocked) {
  lock();
  std::optional<Result<std::uint64_t>> result;
  net::TaskGroup tasks;
  tasks.spawn(commit(std::chrono::seconds(30), result));
  tasks.cancel();
  run_until([&] { return result.has_value(); });
  base::TimePoint before = base::now();
  store_.reset();
  EXPECT_LT(base::now() - before, std::chrono::seconds(5));
}

}  // namespace
}  // namespace weir::store
