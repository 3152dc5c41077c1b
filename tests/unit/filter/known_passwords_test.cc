#include "filter/known_passwords.h"

#include "gtest/gtest.h"

namespace weir::filter {
namespace {

using namespace std::chrono_literals;

constexpr base::TimePoint kStart{1h};

TEST(KnownPasswords, AreThoseOfOneWorkerForATime) {
  KnownPasswords known(2);
  KnownPasswords::Tag tag = known.tag("anna", "secret", "hash");
  EXPECT_EQ(known.find(0, tag, kStart), std::nullopt);
  known.keep(0, tag, true, kStart);
  EXPECT_EQ(known.find(0, tag, kStart + 9min), true);
  EXPECT_EQ(known.find(0, tag, kStart + 10min), std::nullopt);
  EXPECT_EQ(known.find(1, tag, kStart), std::nullopt);
}

TEST(KnownPasswords, WrongOnesAreForgottenSoon) {
  KnownPasswords known(1);
  KnownPasswords::Tag tag = known.tag("anna", "wrong", "hash");
  known.keep(0, tag, false, kStart);
  EXPECT_EQ(known.find(0, tag, kStart + 4s), false);
  EXPECT_EQ(known.find(0, tag, kStart + 5s), std::nullopt);
}

TEST(KnownPasswords, EveryPartOfATagCounts) {
  KnownPasswords known(1);
  KnownPasswords::Tag tag = known.tag("anna", "secret", "hash");
  EXPECT_EQ(known.tag("anna", "secret", "hash"), tag);
  EXPECT_NE(known.tag("bert", "secret", "hash"), tag);
  EXPECT_NE(known.tag("anna", "secret2", "hash"), tag);
  EXPECT_NE(known.tag("anna", "secret", "hash2"), tag);
  EXPECT_NE(known.tag("anna", "", "secret"), known.tag("anna", "secret", ""));
  EXPECT_NE(KnownPasswords(1).tag("anna", "secret", "hash"), tag) << "each has a key of its own";
}

TEST(KnownPasswords, ATableIsBoundedAndKeepsTheLatest) {
  KnownPasswords known(1);
  for (int i = 0; i < 20'000; ++i) known.keep(0, known.tag("a", std::to_string(i), "h"), true, kStart + i * 1ms);
  EXPECT_EQ(known.find(0, known.tag("a", "19999", "h"), kStart + 20s), true);
  int kept = 0;
  for (int i = 0; i < 20'000; ++i) kept += known.find(0, known.tag("a", std::to_string(i), "h"), kStart + 20s) ? 1 : 0;
  EXPECT_LE(kept, 1024);
}

}  // namespace
}  // namespace weir::filter
