#include "balance/ring.h"

#include <algorithm>
#include <array>
#include <bit>
#include <memory>
#include <utility>

#include "balance/hash_key.h"
#include "balance/weights.h"

namespace weir::balance {
namespace {

using Points = std::vector<std::uint64_t>;

constexpr std::uint32_t place_of(std::uint64_t point) { return static_cast<std::uint32_t>(point >> 32); }

// How many points each backend gets.
std::vector<std::uint32_t> point_counts(const pool::BackendSet& backends) {
  std::uint64_t total = 0;
  for (const pool::BackendEntry& entry : backends) {
    total += std::uint64_t{weight_in_hundredths(entry)} * Ring::kPointsPerWeight / 100;
  }
  double scale = std::min(1.0, static_cast<double>(Ring::kMostPoints) / static_cast<double>(std::max(total, 1ul)));
  std::vector<std::uint32_t> counts;
  counts.reserve(backends.size());
  for (const pool::BackendEntry& entry : backends) {
    double exact = weight_in_hundredths(entry) * (Ring::kPointsPerWeight / 100.0) * scale;
    counts.push_back(std::max(1u, static_cast<std::uint32_t>(exact + 0.5)));
  }
  return counts;
}

// Stable least-significant-digit radix sort of `points` by 11 bits of the place from `shift` on.
void sort_by_digit(const Points& points, std::uint64_t* sorted, int shift) {
  constexpr std::uint32_t kDigits = 1u << 11;
  std::array<std::uint32_t, kDigits> ends{};
  auto digit = [shift](std::uint64_t point) { return (point >> shift) & (kDigits - 1); };
  for (std::uint64_t point : points) ++ends[digit(point)];
  std::uint32_t sum = 0;
  for (std::uint32_t& end : ends) sum += std::exchange(end, sum);
  for (std::uint64_t point : points) sorted[ends[digit(point)]++] = point;
}

// Places are uniform, so after two passes over the upper 22 bits only close neighbours are out of order, and inserting
// puts them right. Points of one place keep the order they came in.
void sort_by_place(Points& points) {
  Points sorted(points.size());
  sort_by_digit(points, sorted.data(), 32 + 10);
  sort_by_digit(sorted, points.data(), 32 + 21);
  for (std::size_t i = 1; i < points.size(); ++i) {
    std::uint64_t point = points[i];
    std::size_t hole = i;
    for (; hole > 0 && place_of(points[hole - 1]) > place_of(point); --hole) points[hole] = points[hole - 1];
    points[hole] = point;
  }
}

}  // namespace

std::vector<std::uint32_t> by_identity(const pool::BackendSet& backends) {
  std::vector<std::pair<std::uint64_t, std::uint32_t>> keys;
  keys.reserve(backends.size());
  for (std::uint32_t i = 0; i < backends.size(); ++i) keys.emplace_back(identity(*backends[i].backend), i);
  std::ranges::sort(keys);
  std::vector<std::uint32_t> order;
  order.reserve(keys.size());
  for (const auto& [key, index] : keys) order.push_back(index);
  return order;
}

Ring::Ring(const pool::BackendSet& backends) {
  std::vector<std::uint32_t> counts = point_counts(backends);
  std::uint64_t total = 0;
  for (std::uint32_t count : counts) total += count;
  points_.reserve(total);
  for (std::uint32_t index : by_identity(backends)) {
    std::uint64_t seed = identity(*backends[index].backend);
    for (std::uint32_t i = 0; i < counts[index]; ++i) {
      points_.push_back((rehash(seed, i) & 0xffffffff00000000u) | index);
    }
  }
  sort_by_place(points_);

  // About four points a stretch.
  int index_bits = static_cast<int>(std::bit_width(points_.size() / 4));
  stretch_bits_ = 32 - index_bits;
  starts_.resize(std::size_t{1} << index_bits);
  std::uint32_t point = 0;
  for (std::size_t stretch = 0; stretch < starts_.size(); ++stretch) {
    std::uint64_t start = std::uint64_t{stretch} << stretch_bits_;
    while (point < points_.size() && place_of(points_[point]) < start) ++point;
    starts_[stretch] = point;
  }
}

std::size_t Ring::find(std::uint64_t hash) const {
  std::uint64_t place = hash >> 32;
  std::size_t position = starts_[place >> stretch_bits_];
  while (position < points_.size() && place_of(points_[position]) < place) ++position;
  return position == points_.size() ? 0 : position;
}

}  // namespace weir::balance
