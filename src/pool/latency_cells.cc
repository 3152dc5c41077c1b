#include "pool/latency_cells.h"

#include <algorithm>
#include <numeric>

namespace weir::pool {

std::optional<base::Nanoseconds> latency_quantile(std::span<const std::uint32_t, LatencyScale::kCells> counts,
                                                  double share) {
  std::uint64_t total = std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
  if (total == 0) return std::nullopt;
  double rank = std::clamp(share, 0.0, 1.0) * static_cast<double>(total);
  double below = 0;
  for (std::size_t cell = 0; cell + 1 < counts.size(); ++cell) {
    double here = counts[cell];
    if (here > 0 && below + here >= rank) {
      auto low = static_cast<double>(LatencyScale::floor(cell)),
           high = static_cast<double>(LatencyScale::floor(cell + 1));
      return base::Nanoseconds(static_cast<std::int64_t>(low + (high - low) * (rank - below) / here));
    }
    below += here;
  }
  return base::Nanoseconds(static_cast<std::int64_t>(LatencyScale::floor(counts.size() - 1)));
}

}  // namespace weir::pool
