// What every store of stores.def keeps to.
#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <random>

#include "gtest/gtest.h"

#include "store/store.h"

namespace weir::store {
namespace {

// A fresh store of one kind, in a folder of its own.
class StoreContract : public testing::TestWithParam<config::KindEntry> {
 protected:
  StoreContract() : folder_(std::filesystem::temp_directory_path() / fmt::format("weir-store-{:08x}", seed_())) {
    std::filesystem::create_directories(folder_);
    choice_.name = GetParam().name;
    for (const config::OptionSpec& option : GetParam().options) {
      choice_.options[std::string(option.key)] = option.default_value;
    }
    if (choice_.options.contains("path")) choice_.options["path"] = (folder_ / "store.db").string();
    store_ = open_store(choice_).value();
  }
  ~StoreContract() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }

  StoreContents load() {
    StoreResult<StoreContents> contents = store_->load();
    EXPECT_TRUE(contents) << contents.error().message;
    return contents.value_or(StoreContents{});
  }
  std::uint64_t commit(std::vector<StoreChange> changes) {
    StoreResult<std::uint64_t> revision = store_->commit(changes);
    EXPECT_TRUE(revision) << revision.error().message;
    return revision.value_or(0);
  }

  std::random_device seed_;
  std::filesystem::path folder_;
  config::Choice choice_;
  std::unique_ptr<Store> store_;
};

TEST_P(StoreContract, IsEmptyWhenNew) {
  EXPECT_TRUE(load().objects.empty());
  EXPECT_EQ(load().revision, 0u);
}

TEST_P(StoreContract, ReturnsWhatWasPutByKindThenName) {
  std::uint64_t revision = commit({{"pool", "b", "{}"}, {"pool", "a", "[1]"}, {"backend", "z", "{\"x\":1}"}});
  StoreContents contents = load();
  EXPECT_EQ(contents.revision, revision);
  EXPECT_EQ(contents.objects, (std::vector<StoredObject>{{"backend", "z", "{\"x\":1}", revision},
                                                         {"pool", "a", "[1]", revision},
                                                         {"pool", "b", "{}", revision}}));
}

TEST_P(StoreContract, PuttingAgainReplaces) {
  commit({{"pool", "a", "1"}});
  std::uint64_t second = commit({{"pool", "a", "2"}});
  EXPECT_EQ(load().objects, (std::vector<StoredObject>{{"pool", "a", "2", second}}));
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
  EXPECT_EQ(load().objects, (std::vector<StoredObject>{{"pool", "a", "1", first}, {"pool", "b", "1", second}}));
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

TEST_P(StoreContract, ARevisionThatDoesNotHoldStopsTheWholeCommit) {
  std::uint64_t first = commit({{"pool", "a", "1"}});
  for (std::uint64_t wrong : {std::uint64_t{0}, first + 1}) {
    StoreResult<std::uint64_t> refused =
        store_->commit(std::vector<StoreChange>{{"pool", "b", "2"}, {"pool", "a", "2", wrong}});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().fault, StoreFault::conflict);
    EXPECT_EQ(load().objects, (std::vector<StoredObject>{{"pool", "a", "1", first}}));
    EXPECT_EQ(load().revision, first);
  }
}

TEST_P(StoreContract, ARevisionThatHoldsLetsTheCommitThrough) {
  std::uint64_t first = commit({{"pool", "a", "1", 0}});
  std::uint64_t second = commit({{"pool", "a", "2", first}});
  commit({{"pool", "a", std::nullopt, second}});
  EXPECT_TRUE(load().objects.empty());
}

TEST_P(StoreContract, TakesTenThousandObjectsInOneCommit) {
  std::vector<StoreChange> changes;
  for (int i = 0; i < 10'000; ++i) changes.push_back({"backend", fmt::format("pool/b{:05}", i), "{\"weight\":1}"});
  commit(changes);
  StoreContents contents = load();
  ASSERT_EQ(contents.objects.size(), 10'000u);
  EXPECT_TRUE(std::ranges::is_sorted(contents.objects, {}, &StoredObject::name));
}

// Each Weir keeps what is stored in its memory as well: two on one store would write over each other's objects.
TEST_P(StoreContract, ASecondOpenIsRefusedOrAStoreOfItsOwn) {
  commit({{"pool", "a", "1"}});
  StoreResult<std::unique_ptr<Store>> second = open_store(choice_);
  if (second) {
    EXPECT_TRUE((*second)->load()->objects.empty());
    return;
  }
  EXPECT_EQ(second.error().fault, StoreFault::unavailable);
  EXPECT_NE(second.error().message.find("another Weir"), std::string::npos) << second.error().message;
  EXPECT_EQ(load().objects.size(), 1u) << "the first goes on";
  store_.reset();
  second = open_store(choice_);
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_EQ((*second)->load()->objects.size(), 1u);
}

std::string entry_name(const testing::TestParamInfo<config::KindEntry>& info) { return std::string(info.param.name); }
INSTANTIATE_TEST_SUITE_P(Stores, StoreContract, testing::ValuesIn(stores().begin(), stores().end()), entry_name);

}  // namespace
}  // namespace weir::store
