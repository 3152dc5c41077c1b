// The contract of every store of stores.def.
#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <functional>
#include <optional>
#include <random>

#include "gtest/gtest.h"

#include "net/task_group.h"
#include "net/wait.h"
#include "store/memory_store.h"

namespace weir::store {
namespace {

constexpr base::Nanoseconds kPatience = std::chrono::seconds(20);

// A kind of store, and how a test has another Weir on the same objects, if that is possible.
struct Candidate {
  std::string name;
  std::function<Result<std::unique_ptr<Store>>(const std::filesystem::path& folder)> open;
  std::function<std::unique_ptr<Store>()> open_another = {};
};

Candidate registered(const config::KindEntry& entry) {
  auto open = [entry](const std::filesystem::path& folder) {
    config::Choice choice{.name = std::string(entry.name), .options = {}};
    for (const config::OptionSpec& option : entry.options) {
      choice.options[std::string(option.key)] = option.default_value;
    }
    if (choice.options.contains("path")) choice.options["path"] = (folder / "store.db").string();
    return open_store(choice);
  };
  return {.name = std::string(entry.name), .open = open};
}

// Every entry of stores.def; and one that several Weirs write to, as stores on other machines are.
std::vector<Candidate> candidates() {
  std::vector<Candidate> all;
  for (const config::KindEntry& entry : stores()) all.push_back(registered(entry));
  auto objects = std::make_shared<std::shared_ptr<MemoryObjects>>();
  all.push_back({.name = "shared",
                 .open =
                     [objects](const std::filesystem::path&) {
                       *objects = std::make_shared<MemoryObjects>();
                       return std::make_unique<MemoryStore>(*objects);
                     },
                 .open_another = [objects] { return std::make_unique<MemoryStore>(*objects); }});
  return all;
}

// A fresh store of one kind, in a folder of its own.
class StoreContract : public testing::TestWithParam<Candidate> {
 protected:
  StoreContract() : folder_(std::filesystem::temp_directory_path() / fmt::format("weir-store-{:08x}", seed_())) {
    reactor_.adopt_thread();
    std::filesystem::create_directories(folder_);
    store_ = GetParam().open(folder_).value();
  }
  ~StoreContract() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }

  template <typename T>
  static net::Task<void> keep(net::Task<T> task, std::optional<T>& result) {
    result.emplace(co_await task);
  }
  template <typename T>
  T run(net::Task<T> task) {
    std::optional<T> result;
    net::TaskGroup group;
    group.spawn(keep(std::move(task), result));
    while (group.size() > 0) reactor_.run_once(reactor_.now() + kPatience);
    return std::move(*result);
  }
  base::TimePoint soon() { return reactor_.now() + kPatience; }
  Result<std::uint64_t> try_commit(std::uint64_t based_on, std::vector<Change> changes) {
    Commit commit{.based_on = based_on, .changes = std::move(changes)};
    return run(store_->commit(std::move(commit), soon()));
  }

  Contents load(Store& store) {
    Result<Contents> contents = run(store.load(soon()));
    EXPECT_TRUE(contents) << contents.error().message;
    return contents.value_or(Contents{});
  }
  Contents load() { return load(*store_); }
  std::uint64_t commit(std::vector<Change> changes) {
    Result<std::uint64_t> revision = try_commit(load().revision, std::move(changes));
    EXPECT_TRUE(revision) << revision.error().message;
    return revision.value_or(0);
  }

  std::random_device seed_;
  std::filesystem::path folder_;
  net::Reactor reactor_;
  std::unique_ptr<Store> store_;
};

TEST_P(StoreContract, IsEmptyWhenNew) {
  EXPECT_TRUE(load().objects.empty());
  EXPECT_EQ(load().revision, 0u);
}

TEST_P(StoreContract, ReturnsWhatWasPutByKindThenName) {
  std::uint64_t revision = commit({{"pool", "b", "{}"}, {"pool", "a", "[1]"}, {"backend", "z", "{\"x\":1}"}});
  Contents contents = load();
  EXPECT_EQ(contents.revision, revision);
  EXPECT_EQ(contents.objects, (std::vector<Object>{{"backend", "z", "{\"x\":1}", revision},
                                                   {"pool", "a", "[1]", revision},
                                                   {"pool", "b", "{}", revision}}));
}

TEST_P(StoreContract, PuttingAgainReplaces) {
  commit({{"pool", "a", "1"}});
  std::uint64_t second = commit({{"pool", "a", "2"}});
  EXPECT_EQ(load().objects, (std::vector<Object>{{"pool", "a", "2", second}}));
}

TEST_P(StoreContract, RevisionsGrowEvenWhenNothingIsLeft) {
  std::uint64_t first = commit({{"pool", "a", "1"}});
  std::uint64_t second = commit({{"pool", "a", std::nullopt}});
  EXPECT_GT(second, first);
  EXPECT_TRUE(load().objects.empty());
  EXPECT_EQ(load().revision, second);
}

TEST_P(StoreContract, AnObjectKeepsTheRevisionOfTheCommitThatWroteIt) {
  std::uint64_t first = commit({{"pool", "a", "1"}});
  std::uint64_t second = commit({{"pool", "b", "1"}});
  EXPECT_EQ(load().objects, (std::vector<Object>{{"pool", "a", "1", first}, {"pool", "b", "1", second}}));
}

TEST_P(StoreContract, DeletingWhatIsNotThereIsNoError) {
  commit({{"pool", "a", "1"}});
  commit({{"pool", "nobody", std::nullopt}, {"listener", "a", std::nullopt}});
  EXPECT_EQ(load().objects.size(), 1u);
}

TEST_P(StoreContract, KindsHaveNamesOfTheirOwn) {
  commit({{"pool", "a", "1"}, {"listener", "a", "2"}});
  commit({{"pool", "a", std::nullopt}});
  ASSERT_EQ(load().objects.size(), 1u);
  EXPECT_EQ(load().objects[0].kind, "listener");
}

TEST_P(StoreContract, KeepsAnyBytesInNamesAndText) {
  std::string name("a\0b'\"/%\xc3\xa4", 10);
  std::string text("{\"t\":\"\\u0000 ' ; DROP TABLE objects\"}\n\0", 40);
  commit({{"pool", name, text}});
  ASSERT_EQ(load().objects.size(), 1u);
  EXPECT_EQ(load().objects[0].name, name);
  EXPECT_EQ(load().objects[0].json, text);
}

TEST_P(StoreContract, ACommitBasedOnAnotherRevisionIsRefusedAsAWhole) {
  std::uint64_t first = commit({{"pool", "a", "1"}});
  for (std::uint64_t wrong : {std::uint64_t{0}, first + 1}) {
    Result<std::uint64_t> refused = try_commit(wrong, {{"pool", "b", "2"}, {"pool", "a", "2"}});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::conflict);
    EXPECT_EQ(load().objects, (std::vector<Object>{{"pool", "a", "1", first}}));
    EXPECT_EQ(load().revision, first);
  }
}

TEST_P(StoreContract, OneCommitMayFollowAnother) {
  std::uint64_t first = try_commit(0, {{"pool", "a", "1"}}).value();
  std::uint64_t second = try_commit(first, {{"pool", "a", "2"}}).value();
  EXPECT_TRUE(try_commit(second, {{"pool", "a", std::nullopt}}));
  EXPECT_TRUE(load().objects.empty());
}

TEST_P(StoreContract, WatchingEndsWithWhatWasSeenWhenNothingComes) {
  std::uint64_t seen = commit({{"pool", "a", "1"}});
  Result<std::uint64_t> watched = run(store_->watch(seen, reactor_.now() + std::chrono::milliseconds(50)));
  ASSERT_TRUE(watched) << watched.error().message;
  EXPECT_EQ(*watched, seen);
}

TEST_P(StoreContract, WatchingEndsWhenItIsCancelled) {
  std::optional<Result<std::uint64_t>> watched;
  net::TaskGroup watching;
  watching.spawn(keep(store_->watch(0, base::TimePoint::max()), watched));
  EXPECT_FALSE(watched);
  watching.cancel();
  while (watching.size() > 0) reactor_.run_once(soon());
  EXPECT_TRUE(watched);
}

TEST_P(StoreContract, WatchingEndsWithTheCommitOfAnother) {
  if (!GetParam().open_another) GTEST_SKIP() << "only one Weir writes to it";
  std::unique_ptr<Store> another = GetParam().open_another();
  std::optional<Result<std::uint64_t>> watched;
  net::TaskGroup watching;
  watching.spawn(keep(another->watch(0, soon()), watched));
  EXPECT_FALSE(watched);
  std::uint64_t revision = commit({{"pool", "a", "1"}});
  while (watching.size() > 0) reactor_.run_once(soon());
  ASSERT_TRUE(watched && *watched);
  EXPECT_EQ(**watched, revision);
  EXPECT_EQ(run(another->watch(0, soon())), revision) << "at once, when it has happened already";
  EXPECT_EQ(load(*another).objects.size(), 1u);
}

TEST_P(StoreContract, TwoThatWriteDoNotOverwriteEachOther) {
  if (!GetParam().open_another) GTEST_SKIP() << "only one Weir writes to it";
  std::unique_ptr<Store> another = GetParam().open_another();
  std::uint64_t seen = load(*another).revision;
  commit({{"pool", "a", "1"}});
  Commit stale{.based_on = seen, .changes = {{"pool", "a", "2"}}};
  Result<std::uint64_t> refused = run(another->commit(std::move(stale), soon()));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::conflict);
  EXPECT_EQ(load().objects[0].json, "1");
}

TEST_P(StoreContract, TakesTenThousandObjectsInOneCommit) {
  std::vector<Change> changes;
  for (int i = 0; i < 10'000; ++i) changes.push_back({"backend", fmt::format("pool/b{:05}", i), "{\"weight\":1}"});
  commit(changes);
  Contents contents = load();
  ASSERT_EQ(contents.objects.size(), 10'000u);
  EXPECT_TRUE(std::ranges::is_sorted(contents.objects, {}, &Object::name));
}

// Each Weir has a file of its own: two on one file would wait for each other's locks.
TEST_P(StoreContract, ASecondOpenIsRefusedOrAStoreOfItsOwn) {
  commit({{"pool", "a", "1"}});
  Result<std::unique_ptr<Store>> second = GetParam().open(folder_);
  if (second) {
    EXPECT_TRUE(load(**second).objects.empty());
    return;
  }
  EXPECT_EQ(second.error().code, ErrorCode::unavailable);
  EXPECT_NE(second.error().message.find("another Weir"), std::string::npos) << second.error().message;
  EXPECT_EQ(load().objects.size(), 1u) << "the first goes on";
  store_.reset();
  second = GetParam().open(folder_);
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_EQ(load(**second).objects.size(), 1u);
}

std::string name_of(const testing::TestParamInfo<Candidate>& info) { return info.param.name; }
INSTANTIATE_TEST_SUITE_P(Stores, StoreContract, testing::ValuesIn(candidates()), name_of);

}  // namespace
}  // namespace weir::store
