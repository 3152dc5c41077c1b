// The result of one probe.
#pragma once

#include <expected>
#include <string>
#include <utility>

#include "base/clock.h"

namespace weir::health {

// Why a probe failed.
struct Failure {
  std::string text;      // in words
  bool is_ours = false;  // see CheckResult
};

// How a probe, or a step of one, went.
using Probed = std::expected<void, Failure>;

inline std::unexpected<Failure> failed(std::string words) { return std::unexpected(Failure{.text = std::move(words)}); }

struct CheckResult {
  static CheckResult of(Probed outcome, base::Nanoseconds latency) {
    if (outcome) return {.ok = true, .latency = latency, .error = {}};
    Failure& failure = outcome.error();
    return {.ok = false, .latency = latency, .error = std::move(failure.text), .is_ours = failure.is_ours};
  }

  bool ok = false;
  base::Nanoseconds latency{0};  // from the start of the probe to its verdict
  std::string error;             // empty when ok; else what failed: "status 503, expected 200-299"
  std::string detail{};          // what a good probe has found out besides: "the certificate ends in 42 days"
  std::string probed{};          // what was asked where: "http GET /health at 10.0.0.1:80"; the prober's to fill in
  bool is_ours = false;          // this machine lacked descriptors, ports or memory: no verdict on the backend
};

}  // namespace weir::health
