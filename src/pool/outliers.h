// Which backends of a pool do worse than they may, by their traffic of the last seconds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <vector>

#include "config/passive.h"
#include "pool/backend_traffic.h"
#include "pool/ejection_reason.h"

namespace weir::pool {

// The last seconds of a backend's traffic. One thread.
class TrafficWindow {
 public:
  // The sums since the start, once a second; the window is as long as `seconds` of them.
  void add(const TrafficCounts& sums, std::size_t seconds);
  // Begins anew with what comes after `sums`.
  void restart(const TrafficCounts& sums);
  // Of the window; nothing was counted before the second call.
  TrafficCounts counts() const;

 private:
  std::deque<TrafficCounts> sums_;  // oldest first; only the last while there is no traffic
};

struct Outlier {
  std::size_t index = 0;  // into the backends
  EjectionReason reason = EjectionReason::error_rate;
  double value = 0;          // share of failures or successes, or milliseconds
  double of_pool = 0;        // what the pool has of that, where it is compared
  std::uint32_t failed = 0;  // requests, of error_rate
  std::uint32_t total = 0;
};
// The same in figures, for people.
std::string describe(const Outlier& outlier, const config::Passive& passive);

// The backends that error_rate, success_rate or latency of `passive` eject, each once, the worst first. `windows` are
// those of the backends that are in. By error_rate none is ejected while more than half of the others fail at least
// half as often: then it is the service that fails. Pure.
std::vector<Outlier> find_outliers(std::span<const TrafficCounts> windows, const config::Passive& passive);

// The rate below which success_rate ejects: the mean less so many standard deviations of the whole population.
double success_rate_threshold(std::span<const double> rates, double deviations);

}  // namespace weir::pool
