// The ring of consistent hashing.
#pragma once

#include <compare>
#include <cstdint>
#include <span>
#include <vector>

#include "pool/backend.h"

namespace weir::balance {

// Points on a circle of 2^32 places, kPointsPerWeight for each unit of weight (fewer during slow start), the places
// derived from the backend's id alone (Karger et al. 1997). A backend's points for a smaller weight are among those for
// a larger one. Immutable.
class Ring {
 public:
  static constexpr std::uint32_t kPointsPerWeight = 150;
  // Above this all backends get proportionally fewer points, but at least one each: 16 MB, built in about 40 ms.
  static constexpr std::uint64_t kMostPoints = 1u << 21;

  explicit Ring(const pool::BackendSet& backends);

  std::size_t size() const { return points_.size(); }
  // The position of the first point at or after that place. The ring must not be empty.
  std::size_t find(std::uint64_t hash) const;
  std::size_t next(std::size_t position) const { return position + 1 == points_.size() ? 0 : position + 1; }
  std::uint32_t backend_at(std::size_t position) const { return static_cast<std::uint32_t>(points_[position]); }

 private:
  std::vector<std::uint64_t> points_;  // place << 32 | index of the backend, by place
  std::vector<std::uint32_t> starts_;  // of 2^k equal stretches of the circle: the first point at or after its start
  int stretch_bits_ = 32;              // a place shifted right by this gives its stretch
};

struct Identified {
  std::uint64_t identity;
  std::uint32_t index;
  friend auto operator<=>(const Identified&, const Identified&) = default;
};
// The indexes of the set ordered by identity(): what is built in this order does not depend on that of the
// configuration.
std::vector<Identified> by_identity(const pool::BackendSet& backends);

}  // namespace weir::balance
