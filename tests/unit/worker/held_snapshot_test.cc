#include "worker/held_snapshot.h"

#include "gtest/gtest.h"

namespace weir::worker {
namespace {

TEST(SnapshotRef, KeepsTheSnapshotUntilTheLastReferenceGoes) {
  auto snapshot = std::make_shared<const Snapshot>();
  std::weak_ptr<const Snapshot> watched = snapshot;
  SnapshotRef first(new HeldSnapshot(std::move(snapshot), nullptr));
  SnapshotRef second = first;
  SnapshotRef moved = std::move(first);
  EXPECT_FALSE(first);
  EXPECT_EQ(&*moved, &*second);
  moved = SnapshotRef();
  EXPECT_FALSE(watched.expired());
  second = SnapshotRef();
  EXPECT_TRUE(watched.expired());
}

TEST(SnapshotRef, IsDestroyedOnTheControlThread) {
  net::Reactor control;
  auto snapshot = std::make_shared<const Snapshot>();
  std::weak_ptr<const Snapshot> watched = snapshot;
  SnapshotRef held(new HeldSnapshot(std::move(snapshot), &control));
  held = SnapshotRef();
  EXPECT_FALSE(watched.expired());
  control.adopt_thread();
  control.run_once(base::now());
  EXPECT_TRUE(watched.expired());
}

}  // namespace
}  // namespace weir::worker
