#include "pool/outliers.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <numeric>
#include <optional>
#include <utility>

namespace weir::pool {
namespace {

double mean(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

// Adds an outlier for each that has none yet.
class Found {
 public:
  explicit Found(std::size_t backends) : has_(backends, false) {}
  void add(const Outlier& outlier) {
    if (!has_[outlier.index]) all.push_back(outlier);
    has_[outlier.index] = true;
  }
  std::vector<Outlier> all;

 private:
  std::vector<bool> has_;
};

// The indexes of those with enough requests, those that succeed least first.
std::vector<std::size_t> with_requests(std::span<const TrafficCounts> windows, std::uint32_t least) {
  std::vector<std::size_t> indexes;
  for (std::size_t i = 0; i < windows.size(); ++i) {
    if (windows[i].total() >= least) indexes.push_back(i);
  }
  std::ranges::sort(indexes, {}, [&](std::size_t i) { return std::pair(windows[i].success_rate(), i); });
  return indexes;
}

double failure_rate(const TrafficCounts& counts) { return 1 - counts.success_rate(); }

void by_error_rate(std::span<const TrafficCounts> windows, const config::Passive& passive, Found& found) {
  const config::ErrorRate& rule = passive.error_rate;
  const std::vector<std::size_t> compared = with_requests(windows, rule.min_requests);
  std::size_t alike = 0;  // of `compared`, from its beginning, those that fail at least half as often as this one
  for (std::size_t i : compared) {
    const TrafficCounts& counts = windows[i];
    if (static_cast<double>(counts.failed) < rule.threshold * counts.total()) break;
    while (alike < compared.size() && failure_rate(windows[compared[alike]]) >= failure_rate(counts) / 2) ++alike;
    const std::size_t others = compared.size() - 1, others_alike = alike - 1;
    if (2 * others_alike > others) continue;
    found.add({.index = i,
               .reason = EjectionReason::error_rate,
               .value = failure_rate(counts),
               .failed = counts.failed,
               .total = counts.total()});
  }
}

void by_success_rate(std::span<const TrafficCounts> windows, const config::Passive& passive, Found& found) {
  const config::SuccessRate& rule = passive.success_rate;
  std::vector<std::size_t> compared = with_requests(windows, rule.min_requests);
  if (compared.size() < rule.min_backends) return;
  std::vector<double> rates;
  rates.reserve(compared.size());
  for (std::size_t i : compared) rates.push_back(windows[i].success_rate());
  double of_pool = mean(rates);
  double least = std::min(success_rate_threshold(rates, rule.deviations), of_pool - rule.min_difference);
  for (std::size_t i : compared) {
    double rate = windows[i].success_rate();
    if (rate >= least) break;
    found.add({.index = i, .reason = EjectionReason::success_rate, .value = rate, .of_pool = of_pool});
  }
}

void by_latency(std::span<const TrafficCounts> windows, const config::Passive& passive, Found& found) {
  const config::LatencyOutlier& rule = passive.latency;
  struct Timed {
    double median;
    std::size_t index;
  };
  std::vector<Timed> timed;
  for (std::size_t i = 0; i < windows.size(); ++i) {
    if (windows[i].total() < rule.min_requests) continue;
    if (auto median = latency_quantile(windows[i].latency, 0.5))
      timed.push_back({static_cast<double>(median->count()), i});
  }
  if (timed.size() < rule.min_backends) return;
  std::ranges::sort(timed, std::greater{}, &Timed::median);
  double of_pool = timed[timed.size() / 2].median;  // of two middle ones the lower
  double difference = static_cast<double>(base::Nanoseconds(rule.min_difference).count());
  for (const Timed& one : timed) {
    if (one.median <= rule.factor * of_pool || one.median - of_pool <= difference) break;
    found.add(
        {.index = one.index, .reason = EjectionReason::latency, .value = one.median / 1e6, .of_pool = of_pool / 1e6});
  }
}

}  // namespace

void TrafficWindow::add(const TrafficCounts& sums, std::size_t seconds) {
  sums_.push_back(sums);
  while (sums_.size() > seconds + 1) sums_.pop_front();
  if (sums_.size() > 1 && counts().total() == 0) restart(sums);
}

void TrafficWindow::restart(const TrafficCounts& sums) {
  sums_.assign(1, sums);
  sums_.shrink_to_fit();
}

TrafficCounts TrafficWindow::counts() const {
  if (sums_.size() < 2) return {};
  TrafficCounts counts = sums_.back();
  return counts -= sums_.front();
}

double success_rate_threshold(std::span<const double> rates, double deviations) {
  double middle = mean(rates), variance = 0;
  for (double rate : rates) variance += (rate - middle) * (rate - middle);
  return middle - deviations * std::sqrt(variance / static_cast<double>(rates.size()));
}

std::vector<Outlier> find_outliers(std::span<const TrafficCounts> windows, const config::Passive& passive) {
  Found found(windows.size());
  if (passive.error_rate.enabled) by_error_rate(windows, passive, found);
  if (passive.success_rate.enabled) by_success_rate(windows, passive, found);
  if (passive.latency.enabled) by_latency(windows, passive, found);
  return std::move(found.all);
}

std::string describe(const Outlier& outlier, const config::Passive& passive) {
  switch (outlier.reason) {
    case EjectionReason::error_rate:
      return fmt::format("{} of {} requests in {} s failed, {:.0f} %", outlier.failed, outlier.total,
                         std::chrono::floor<std::chrono::seconds>(passive.window).count(), 100 * outlier.value);
    case EjectionReason::success_rate:
      return fmt::format("success rate {:.0f} % while the pool has {:.0f} %", 100 * outlier.value,
                         100 * outlier.of_pool);
    default:
      return fmt::format("half of its responses take {:.0f} ms or more while the pool has {:.1f} ms", outlier.value,
                         outlier.of_pool);
  }
}

}  // namespace weir::pool
