#include "base/arena.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace weir::base {
namespace {

TEST(Arena, CopiesOutliveTheirSource) {
  Arena arena;
  std::string source = "GET /index.html";
  std::string_view copy = arena.copy(source);
  source.assign(source.size(), 'x');
  EXPECT_EQ(copy, "GET /index.html");
}

TEST(Arena, KeepsEarlierPiecesWhileItGrows) {
  Arena arena(64);
  std::vector<std::string_view> copies;
  for (int i = 0; i < 1000; ++i) copies.push_back(arena.copy("piece " + std::to_string(i)));
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(copies[i], "piece " + std::to_string(i));
}

TEST(Arena, GivesPiecesLargerThanABlock) {
  Arena arena(64);
  std::string large(1000, 'a');
  std::string_view first = arena.copy(large);
  std::string_view small = arena.copy("small");
  std::string_view second = arena.copy(large);
  EXPECT_EQ(first, large);
  EXPECT_EQ(second, large);
  EXPECT_EQ(small, "small");
}

TEST(Arena, JoinsParts) {
  Arena arena(8);
  EXPECT_EQ(arena.join(std::string_view("a"), "", "bc", std::string("def")), "abcdef");
  EXPECT_EQ(arena.join("", ""), "");
  EXPECT_EQ(arena.join(std::string(100, 'x'), "y").size(), 101u);
}

TEST(Arena, CopiesOfNothingAreEmpty) {
  Arena arena;
  EXPECT_TRUE(arena.copy("").empty());
  EXPECT_TRUE(arena.copy({}).empty());
}

TEST(Arena, UsesItsFirstBlockAgainAfterReset) {
  Arena arena(128);
  const char* first = arena.copy("first").data();
  arena.copy(std::string(300, 'x'));
  arena.reset();
  EXPECT_EQ(arena.copy("again").data(), first);
}

TEST(Arena, KeepsAWholeFirstBlockEvenWhenTheFirstPieceWasLarger) {
  Arena arena(64);
  arena.copy(std::string(1000, 'x'));
  arena.reset();
  std::string full(64, 'y');
  EXPECT_EQ(arena.copy(full), full);  // reads past a smaller block would be seen by AddressSanitizer
  arena.reset();
  EXPECT_EQ(arena.copy("z"), "z");
}

TEST(Arena, MayBeResetBeforeUse) {
  Arena arena;
  arena.reset();
  EXPECT_EQ(arena.copy("a"), "a");
}

}  // namespace
}  // namespace weir::base
