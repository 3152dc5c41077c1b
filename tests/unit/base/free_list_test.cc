#include "base/free_list.h"

#include <cstring>
#include <set>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace weir::base {
namespace {

TEST(AllocateFrame, GivesDistinctAlignedBlocksOfEverySize) {
  std::vector<std::pair<void*, std::size_t>> blocks;
  for (std::size_t bytes : {1, 63, 64, 65, 128, 1000, 2047, 2048, 2049, 10'000}) {
    for (int i = 0; i < 50; ++i) {
      void* block = allocate_frame(bytes);
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % alignof(std::max_align_t), 0u);
      std::memset(block, static_cast<int>(blocks.size() & 0xff), bytes);
      blocks.emplace_back(block, bytes);
    }
  }
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    auto* bytes = static_cast<unsigned char*>(blocks[i].first);
    EXPECT_EQ(bytes[0], i & 0xff);
    EXPECT_EQ(bytes[blocks[i].second - 1], i & 0xff);
  }
  for (auto [block, bytes] : blocks) free_frame(block, bytes);
}

#if !__has_feature(address_sanitizer)
TEST(AllocateFrame, HandsOutTheBlockFreedLast) {
  void* block = allocate_frame(200);
  free_frame(block, 200);
  EXPECT_EQ(allocate_frame(205), block);  // of the same size class
  free_frame(block, 205);
}
#endif

#if !__has_feature(address_sanitizer)
std::size_t give_back_all_frames() {
  std::size_t bytes = 0;
  bool ended = false;
  while (!ended) bytes += give_back_frames(100, ended);
  return bytes;
}

TEST(GiveBackFrames, GivesBackWhatABurstHasLeft) {
  std::thread([] {
    std::vector<void*> blocks(20'000);
    for (void*& block : blocks) block = allocate_frame(500);
    EXPECT_EQ(give_back_all_frames(), 0u);
    for (void* block : blocks) free_frame(block, 500);
    EXPECT_GE(give_back_all_frames(), blocks.size() * 500);
  }).join();
}

TEST(GiveBackFrames, KeepsWhatIsInUse) {
  std::thread([] {
    std::vector<void*> blocks(2000);
    for (void*& block : blocks) block = allocate_frame(500);
    // Every fiftieth stays: at least one in each slab.
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      if (i % 50 == 0) {
        std::memset(blocks[i], 7, 500);
      } else {
        free_frame(blocks[i], 500);
      }
    }
    EXPECT_EQ(give_back_all_frames(), 0u);
    std::set<void*> again;
    for (int i = 0; i < 1960; ++i) again.insert(allocate_frame(500));
    EXPECT_EQ(again.size(), 1960u);
    for (std::size_t i = 0; i < blocks.size(); i += 50) {
      EXPECT_FALSE(again.contains(blocks[i]));
      EXPECT_EQ(static_cast<unsigned char*>(blocks[i])[499], 7);
    }
  }).join();
}

TEST(GiveBackFrames, HandsOutBlocksWhileTheyAreBeingSorted) {
  std::thread([] {
    std::vector<void*> blocks(1000);
    for (void*& block : blocks) block = allocate_frame(100);
    for (void* block : blocks) free_frame(block, 100);
    std::set<void*> again;
    bool ended = false;
    while (!ended) {
      give_back_frames(10, ended);
      again.insert(allocate_frame(100));
    }
    for (int i = 0; i < 1000; ++i) again.insert(allocate_frame(100));
    EXPECT_GE(again.size(), 1001u);
    for (void* block : again) std::memset(block, 1, 100);
  }).join();
}
#endif

TEST(GiveBackBuffers, GivesBackHalfOfThoseThatAreFree) {
  std::thread([] {
    {
      std::vector<Buffer> buffers;
      for (int i = 0; i < 10; ++i) buffers.push_back(Buffer::large());
    }
    EXPECT_EQ(give_back_buffers(), 5 * kLargeBufferBytes);
    Buffer one = Buffer::large();
    EXPECT_EQ(give_back_buffers(), 2 * kLargeBufferBytes);
  }).join();
}

TEST(AllocateFrame, ServesEachThreadFromItsOwnLists) {
  auto work = [] {
    std::vector<void*> blocks;
    for (int round = 0; round < 20; ++round) {
      for (int i = 0; i < 200; ++i) {
        blocks.push_back(allocate_frame(300));
        std::memset(blocks.back(), 1, 300);
      }
      for (void* block : blocks) free_frame(block, 300);
      blocks.clear();
    }
  };
  std::thread other(work);
  work();
  other.join();
}

TEST(Buffer, HoldsNothingUntilAskedFor) {
  Buffer buffer;
  EXPECT_FALSE(buffer);
  EXPECT_EQ(buffer.capacity(), 0u);
  buffer.release();
  EXPECT_FALSE(buffer);
}

TEST(Buffer, HasTheCapacityOfItsKind) {
  Buffer small = Buffer::small();
  Buffer large = Buffer::large();
  EXPECT_EQ(small.capacity(), kBufferBytes);
  EXPECT_EQ(large.capacity(), kLargeBufferBytes);
  std::memset(small.data(), 1, small.capacity());
  std::memset(large.data(), 2, large.capacity());
  EXPECT_EQ(small.data()[kBufferBytes - 1], 1);
}

TEST(Buffer, IsUsedAgainAfterRelease) {
  Buffer first = Buffer::small();
  char* data = first.data();
  first.release();
  EXPECT_FALSE(first);
  Buffer second = Buffer::small();
  EXPECT_EQ(second.data(), data);
  std::memset(second.data(), 1, second.capacity());
}

TEST(Buffer, KeepsSizesApart) {
  char* small = Buffer::small().data();
  Buffer large = Buffer::large();
  EXPECT_NE(large.data(), small);
}

TEST(Buffer, MovesLeaveOneOwner) {
  Buffer first = Buffer::small();
  char* data = first.data();
  Buffer second = std::move(first);
  EXPECT_FALSE(first);  // NOLINT(bugprone-use-after-move): what a moved-from buffer holds is the point
  EXPECT_EQ(second.data(), data);
  Buffer third = Buffer::large();
  third = std::move(second);
  EXPECT_EQ(third.data(), data);
  EXPECT_EQ(third.capacity(), kBufferBytes);
}

TEST(Buffer, ManyAreGivenBackToTheHeap) {
  std::vector<Buffer> buffers;
  std::set<char*> distinct;
  for (int i = 0; i < 400; ++i) {
    buffers.push_back(Buffer::small());
    distinct.insert(buffers.back().data());
  }
  EXPECT_EQ(distinct.size(), 400u);
  buffers.clear();
  EXPECT_TRUE(Buffer::small());
}

}  // namespace
}  // namespace weir::base
