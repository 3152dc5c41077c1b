// Passive checks of a pool: what live traffic teaches of its backends.
#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "config/values.h"

namespace weir::config {

// Statuses of HTTP, 100 to 599.
class StatusSet {
 public:
  static constexpr std::uint16_t kFirst = 100, kLast = 599;
  // Both within the bounds, `low` not above `high`.
  constexpr void add(std::uint16_t low, std::uint16_t high) {
    for (std::uint32_t status = low; status <= high; ++status) bits_.set(status - kFirst);
  }
  std::size_t hash() const { return std::hash<std::bitset<kLast - kFirst + 1>>{}(bits_); }
  bool contains(std::uint16_t status) const { return status >= kFirst && status <= kLast && bits_[status - kFirst]; }
  friend bool operator==(const StatusSet&, const StatusSet&) = default;

 private:
  std::bitset<kLast - kFirst + 1> bits_;
};

// The answers of a backend that are its failures.
struct FailureRules {
  std::vector<std::string> statuses{"500-599"};  // each a status or a range of them
  // By name: what an uncaught error, a broken server and one that is going away answer.
  std::vector<std::string> grpc{"unknown", "internal", "unavailable", "data_loss"};
  // The same, made by the reader.
  StatusSet status_set = [] {
    StatusSet set;
    set.add(500, 599);
    return set;
  }();
  std::uint32_t grpc_mask = 1u << 2 | 1u << 13 | 1u << 14 | 1u << 15;  // a bit for each code
  friend bool operator==(const FailureRules&, const FailureRules&) = default;
};

// A backend fails too large a share of its requests.
struct ErrorRate {
  bool enabled = true;
  double threshold = 0.5;           // share of the window's requests that failed, above 0
  std::uint32_t min_requests = 20;  // in the window; fewer say nothing
  friend bool operator==(const ErrorRate&, const ErrorRate&) = default;
};

// A backend succeeds less often than the pool: below the mean of the backends' rates by so many standard deviations.
struct SuccessRate {
  bool enabled = true;
  double deviations = 1.9;
  double min_difference = 0.05;    // below the mean at least, as a share
  std::uint32_t min_backends = 5;  // with enough requests
  std::uint32_t min_requests = 20;
  friend bool operator==(const SuccessRate&, const SuccessRate&) = default;
};

// A backend's median time to the first byte is so many times that of the pool's median backend.
struct LatencyOutlier {
  bool enabled = true;
  double factor = 3;
  Duration min_difference = std::chrono::milliseconds(20);
  std::uint32_t min_backends = 3;
  std::uint32_t min_requests = 20;
  friend bool operator==(const LatencyOutlier&, const LatencyOutlier&) = default;
};

// How long a backend is out: base, twice that the next time, and so on up to max, each +-20 %.
struct EjectionTimes {
  Duration base = std::chrono::seconds(1);
  Duration max = std::chrono::seconds(60);
  friend bool operator==(const EjectionTimes&, const EjectionTimes&) = default;
};

struct Passive {
  bool enabled = true;
  std::uint32_t consecutive_failures = 5;  // bad answers in a row; 0: off
  // Connections, timeouts and broken answers in a row; 0: off. What a crash looks like counts twice.
  std::uint32_t consecutive_local_failures = 3;
  FailureRules failure;
  ErrorRate error_rate;
  SuccessRate success_rate;
  LatencyOutlier latency;
  Duration window = std::chrono::seconds(10);  // that the rates and latencies are of; whole seconds
  EjectionTimes ejection;
  double max_ejected = 0.5;  // share of the backends that may be out at once, 0..1
  friend bool operator==(const Passive&, const Passive&) = default;
};

}  // namespace weir::config
