#include "pool/backend.h"

#include <set>

#include "gtest/gtest.h"

namespace weir::pool {
namespace {

TEST(Backend, KnowsWhoItIs) {
  Backend backend("site", "web-1", "10.0.1.10", 8080);
  EXPECT_EQ(backend.pool_name(), "site");
  EXPECT_EQ(backend.id(), "web-1");
  EXPECT_EQ(backend.host(), "10.0.1.10");
  EXPECT_EQ(backend.port(), 8080);
  EXPECT_EQ(backend.state.load(), BackendState::unknown);
}

TEST(Backend, HasASlotOfItsOwnWhileItLives) {
  std::vector<std::unique_ptr<Backend>> backends;
  std::set<std::uint32_t> slots;
  for (int i = 0; i < 100; ++i) {
    backends.push_back(std::make_unique<Backend>("pool", std::to_string(i), "h", 1));
    EXPECT_TRUE(slots.insert(backends.back()->slot()).second);
  }
  std::uint32_t freed = backends[40]->slot();
  backends[40].reset();
  EXPECT_EQ(Backend("pool", "new", "h", 1).slot(), freed) << "slots stay dense";
}

TEST(BackendState, HasTheNamesOfTheVocabulary) {
  EXPECT_STREQ(name(BackendState::unknown), "unknown");
  EXPECT_STREQ(name(BackendState::healthy), "healthy");
  EXPECT_STREQ(name(BackendState::unhealthy), "unhealthy");
  EXPECT_STREQ(name(BackendState::draining), "draining");
  EXPECT_STREQ(name(BackendState::disabled), "disabled");
}

}  // namespace
}  // namespace weir::pool
