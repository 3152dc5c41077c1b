#include "pool/connection_places.h"

#include <atomic>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace weir::pool {
namespace {

TEST(WorkerSet, HasTheWorkersThatWereAddedAndNotRemoved) {
  WorkerSet set;
  set.add(0);
  set.add(5);
  set.add(5);
  set.remove(0);
  set.remove(7);
  for (std::uint32_t worker = 0; worker < 8; ++worker) {
    EXPECT_EQ(WorkerSet::contains(set.members(), worker), worker == 5) << worker;
  }
}

TEST(ConnectionPlaces, AreAsManyAsTheLimit) {
  ConnectionPlaces places;
  EXPECT_TRUE(places.claim(2));
  EXPECT_TRUE(places.claim(2));
  EXPECT_FALSE(places.claim(2));
  places.release();
  EXPECT_TRUE(places.claim(2));
  EXPECT_EQ(places.taken(), 2u);
}

TEST(ConnectionPlaces, AreWithoutNumberWithoutALimit) {
  ConnectionPlaces places;
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(places.claim(0));
  EXPECT_FALSE(places.has_surplus(0));
}

TEST(ConnectionPlaces, AreInSurplusUnderALowerLimit) {
  ConnectionPlaces places;
  for (int i = 0; i < 3; ++i) places.claim(3);
  EXPECT_FALSE(places.has_surplus(3));
  EXPECT_TRUE(places.has_surplus(2));
  EXPECT_FALSE(places.claim(2));
}

TEST(ConnectionPlaces, KnowTheWorkersWithWaitingExchanges) {
  ConnectionPlaces places;
  places.begin_waiting(3);
  places.begin_waiting(3);
  places.begin_waiting(4);
  EXPECT_EQ(places.waiting(), 3u);
  places.end_waiting(3, false);
  EXPECT_TRUE(WorkerSet::contains(places.waiting_workers().members(), 3));
  places.end_waiting(3, true);
  EXPECT_FALSE(WorkerSet::contains(places.waiting_workers().members(), 3));
  EXPECT_TRUE(WorkerSet::contains(places.waiting_workers().members(), 4));
  EXPECT_EQ(places.waiting(), 1u);
}

TEST(ConnectionPlaces, AreNeverOneTooManyWhenSeveralThreadsClaimThem) {
  constexpr std::uint32_t kLimit = 2;
  ConnectionPlaces places;
  std::atomic<std::uint32_t> most{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 20000; ++round) {
        if (!places.claim(kLimit)) continue;
        std::uint32_t taken = places.taken();
        std::uint32_t before = most.load();
        while (before < taken && !most.compare_exchange_weak(before, taken)) {
        }
        places.release();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(most.load(), kLimit);
  EXPECT_EQ(places.taken(), 0u);
}

}  // namespace
}  // namespace weir::pool
