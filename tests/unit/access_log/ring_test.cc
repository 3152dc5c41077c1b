#include "access_log/ring.h"

#include <cstring>
#include <string>
#include <thread>

#include "gtest/gtest.h"

namespace weir::access_log {
namespace {

bool put(Ring& ring, std::string_view text) {
  if (!ring.put(text)) return false;
  ring.commit(text.size());
  return true;
}

std::string take_all(Ring& ring) {
  std::string taken;
  std::uint64_t until = ring.published();
  for (std::string_view text = ring.readable(until); !text.empty(); text = ring.readable(until)) {
    taken += text;
    ring.consume(text.size());
  }
  return taken;
}

TEST(AccessLogRing, GivesBytesBackInOrder) {
  Ring ring(64);
  EXPECT_EQ(take_all(ring), "");
  EXPECT_TRUE(put(ring, "one\n"));
  EXPECT_TRUE(put(ring, "two\n"));
  EXPECT_EQ(take_all(ring), "one\ntwo\n");
  EXPECT_EQ(take_all(ring), "");
}

TEST(AccessLogRing, ShowsNothingBeforeItIsCommitted) {
  Ring ring(64);
  char* room = ring.reserve(10);
  ASSERT_NE(room, nullptr);
  std::memcpy(room, "abc", 3);
  EXPECT_EQ(take_all(ring), "");
  ring.commit(3);
  EXPECT_EQ(take_all(ring), "abc");
}

TEST(AccessLogRing, TakesExactlyItsCapacity) {
  Ring ring(16);
  EXPECT_FALSE(ring.put(std::string(17, 'x')));
  EXPECT_TRUE(put(ring, std::string(16, 'x')));
  EXPECT_FALSE(ring.put("y"));
  EXPECT_EQ(ring.reserve(1), nullptr);
  EXPECT_EQ(take_all(ring).size(), 16u);
  EXPECT_TRUE(put(ring, std::string(16, 'z')));
}

TEST(AccessLogRing, PutsAroundTheEndWhatItCannotReserveInOnePiece) {
  Ring ring(16);
  put(ring, "0123456789");
  take_all(ring);
  EXPECT_EQ(ring.reserve(7), nullptr);
  EXPECT_NE(ring.reserve(6), nullptr);
  EXPECT_TRUE(put(ring, "abcdefghijkl"));
  EXPECT_EQ(take_all(ring), "abcdefghijkl");
}

TEST(AccessLogRing, AsksForTheConsumerOnceAQuarter) {
  Ring ring(64);
  int asked = 0;
  for (int i = 0; i < 64; ++i) {
    ASSERT_TRUE(ring.put("x"));
    if (ring.commit(1)) ++asked;
  }
  EXPECT_EQ(asked, 4);
}

TEST(AccessLogRing, HandsEverythingToAnotherThread) {
  Ring ring(256);
  constexpr int kLines = 20'000;
  std::thread producer([&ring] {
    for (int i = 0; i < kLines;) {
      std::string line = std::to_string(i) + "\n";
      bool done = false;
      if (char* room = ring.reserve(32)) {
        std::memcpy(room, line.data(), line.size());
        ring.commit(line.size());
        done = true;
      } else {
        done = put(ring, line);
      }
      i += done ? 1 : 0;
      if (!done) std::this_thread::yield();
    }
  });
  std::string expected, got;
  for (int i = 0; i < kLines; ++i) expected += std::to_string(i) + "\n";
  while (got.size() < expected.size()) {
    std::string taken = take_all(ring);
    if (taken.empty()) std::this_thread::yield();
    got += taken;
  }
  producer.join();
  EXPECT_TRUE(got == expected);
}

}  // namespace
}  // namespace weir::access_log
