// What one probe found.
#pragma once

#include <string>
#include <utility>

#include "base/clock.h"

namespace weir::health {

// Why a probe failed, in words; empty while nothing has.
struct Failure {
  Failure() = default;
  Failure(std::string words, bool ours = false) : text(std::move(words)), is_ours(ours) {}
  Failure(const char* words) : text(words) {}
  bool empty() const { return text.empty(); }

  std::string text;
  bool is_ours = false;  // see CheckResult
};

struct CheckResult {
  static CheckResult of(Failure failure, base::Nanoseconds latency) {
    bool ok = failure.empty();
    return {.ok = ok, .latency = latency, .error = std::move(failure.text), .is_ours = failure.is_ours};
  }

  bool ok = false;
  base::Nanoseconds latency{0};  // from the start of the probe to its verdict
  std::string error;             // empty when ok; else what failed: "status 503, expected 200-299"
  std::string probed{};          // what was asked where: "http GET /health at 10.0.0.1:80"; the prober's to fill in
  bool is_ours = false;          // this machine lacked descriptors, ports or memory: no verdict on the backend
};

}  // namespace weir::health
