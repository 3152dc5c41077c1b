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

// Calls visit(point) for every point of the ring, in the order of identity and number.
template <typename Visit>
void for_each_point(const std::vector<Identified>& order, const std::vector<std::uint32_t>& counts, Visit visit) {
  for (auto [seed, index] : order) {
    for (std::uint32_t i = 0; i < counts[index]; ++i) visit((rehash(seed, i) & 0xffffffff00000000u) | index);
  }
}

// The 32 bits of a place in three parts: the upper two of 11 bits each are sorted by radix.
constexpr std::uint32_t kDigits = 1u << 11;
constexpr std::uint32_t upper_digit(std::uint64_t point) { return static_cast<std::uint32_t>(point >> 53); }
constexpr std::uint32_t middle_digit(std::uint64_t point) { return (point >> 42) & (kDigits - 1); }

using Positions = std::array<std::uint32_t, kDigits>;
void counts_to_starts(Positions& counts) {
  std::uint32_t sum = 0;
  for (std::uint32_t& count : counts) sum += std::exchange(count, sum);
}

// All points by place; those of one place stay in the order of identity. Places are uniform, so after two passes of a
// stable radix sort over the upper 22 bits only close neighbours are out of order, and inserting puts them right. The
// points are computed twice: that is cheaper than storing them unsorted.
Points sorted_points(const pool::BackendSet& backends) {
  std::vector<std::uint32_t> counts = point_counts(backends);
  std::vector<Identified> order = by_identity(backends);
  Positions upper{};
  Positions middle{};
  std::size_t total = 0;
  for_each_point(order, counts, [&](std::uint64_t point) {
    ++upper[upper_digit(point)];
    ++middle[middle_digit(point)];
    ++total;
  });
  if (total == 0) return {};
  counts_to_starts(upper);
  counts_to_starts(middle);

  auto half_sorted = std::make_unique_for_overwrite<std::uint64_t[]>(total);
  for_each_point(order, counts, [&](std::uint64_t point) { half_sorted[middle[middle_digit(point)]++] = point; });
  Points points(total);
  for (std::size_t i = 0; i < total; ++i) points[upper[upper_digit(half_sorted[i])]++] = half_sorted[i];
  for (std::size_t i = 1; i < total; ++i) {
    std::uint64_t point = points[i];
    std::size_t hole = i;
    for (; hole > 0 && place_of(points[hole - 1]) > place_of(point); --hole) points[hole] = points[hole - 1];
    if (hole != i) points[hole] = point;
  }
  return points;
}

}  // namespace

std::vector<Identified> by_identity(const pool::BackendSet& backends) {
  std::vector<Identified> order;
  order.reserve(backends.size());
  for (std::uint32_t i = 0; i < backends.size(); ++i) order.push_back({identity(*backends[i].backend), i});
  std::ranges::sort(order);
  return order;
}

Ring::Ring(const pool::BackendSet& backends) : points_(sorted_points(backends)) {
  // About four points a stretch.
  int index_bits = static_cast<int>(std::bit_width(points_.size() / 4));
  stretch_bits_ = 32 - index_bits;
  starts_.resize(std::size_t{1} << index_bits);
  auto stretch_of = [this](std::uint64_t point) { return std::uint64_t{place_of(point)} >> stretch_bits_; };
  for (std::size_t i = 0; i < points_.size(); ++i) starts_[stretch_of(points_[i])] = static_cast<std::uint32_t>(i + 1);
  // Now each holds the end of its own points, or 0 when it has none; its start is the end of the one before.
  std::uint32_t end = 0;
  for (std::uint32_t& start : starts_) end = std::max(end, std::exchange(start, end));
}

std::size_t Ring::find(std::uint64_t hash) const {
  std::uint64_t place = hash >> 32;
  std::size_t position = starts_[place >> stretch_bits_];
  while (position < points_.size() && place_of(points_[position]) < place) ++position;
  return position == points_.size() ? 0 : position;
}

}  // namespace weir::balance
