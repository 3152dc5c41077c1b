// The flows of one listener on one worker, by client.
#pragma once

#include <cstdint>
#include <vector>

#include "base/assert.h"
#include "relay/udp_flow.h"

namespace weir::relay {

// Open addressing with linear probing, at most half full; removal moves later entries up, so there are no tombstones.
// Does not own the flows. One thread.
class UdpFlowTable {
 public:
  std::size_t size() const { return size_; }

  UdpFlow* find(std::uint32_t hash, const UdpFlowKey& key) const {
    if (size_ == 0) return nullptr;
    for (std::size_t at = hash & mask();; at = (at + 1) & mask()) {
      const Place& place = places_[at];
      if (place.flow == nullptr) return nullptr;
      if (place.hash == hash && place.flow->is_of(hash, key)) return place.flow;
    }
  }
  // No flow with that key is in it.
  // insert() of one more needs no memory then.
  void make_room() {
    if ((size_ + 1) * 2 > places_.size()) grow();
  }
  void insert(UdpFlow& flow) {
    make_room();
    put({.hash = flow.hash, .flow = &flow});
    ++size_;
  }
  void remove(const UdpFlow& flow) {
    std::size_t hole = flow.hash & mask();
    while (places_[hole].flow != &flow) {
      WEIR_ASSERT(places_[hole].flow != nullptr);
      hole = (hole + 1) & mask();
    }
    for (std::size_t at = (hole + 1) & mask(); places_[at].flow != nullptr; at = (at + 1) & mask()) {
      // An entry may move up only as far as the place where it belongs.
      std::size_t from_home = (at - places_[at].hash) & mask();
      std::size_t from_hole = (at - hole) & mask();
      if (from_home < from_hole) continue;
      places_[hole] = places_[at];
      hole = at;
    }
    places_[hole] = {};
    --size_;
  }

 private:
  struct Place {
    std::uint32_t hash = 0;
    UdpFlow* flow = nullptr;
  };
  std::size_t mask() const { return places_.size() - 1; }
  void put(const Place& place) {
    std::size_t at = place.hash & mask();
    while (places_[at].flow != nullptr) at = (at + 1) & mask();
    places_[at] = place;
  }
  void grow() {
    std::vector<Place> old(places_.empty() ? 64 : places_.size() * 2);
    old.swap(places_);
    for (const Place& place : old) {
      if (place.flow != nullptr) put(place);
    }
  }

  std::vector<Place> places_;  // a power of two
  std::size_t size_ = 0;
};

}  // namespace weir::relay
