// A worker's references to a snapshot.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "net/reactor.h"
#include "worker/snapshot.h"

namespace weir::worker {

// One worker's reference to a snapshot: counted without atomics, on its thread only. The last one sends the snapshot to
// the control thread, so that tearing down a large configuration never delays a request.
class HeldSnapshot {
 public:
  HeldSnapshot(std::shared_ptr<const Snapshot> snapshot, net::Reactor* control)
      : snapshot_(std::move(snapshot)), control_(control) {}
  void add_user() { ++users_; }
  void remove_user();
  const Snapshot& operator*() const { return *snapshot_; }

 private:
  std::shared_ptr<const Snapshot> snapshot_;
  net::Reactor* control_;
  std::uint64_t users_ = 0;
};

class SnapshotRef {
 public:
  SnapshotRef() = default;
  explicit SnapshotRef(HeldSnapshot* held) : held_(held) { held_->add_user(); }
  SnapshotRef(const SnapshotRef& other) : held_(other.held_) {
    if (held_ != nullptr) held_->add_user();
  }
  SnapshotRef(SnapshotRef&& other) noexcept : held_(std::exchange(other.held_, nullptr)) {}
  SnapshotRef& operator=(SnapshotRef other) noexcept {
    std::swap(held_, other.held_);
    return *this;
  }
  ~SnapshotRef() {
    if (held_ != nullptr) held_->remove_user();
  }
  explicit operator bool() const { return held_ != nullptr; }
  const Snapshot& operator*() const { return **held_; }
  const Snapshot* operator->() const { return &**held_; }

 private:
  HeldSnapshot* held_ = nullptr;
};

}  // namespace weir::worker
