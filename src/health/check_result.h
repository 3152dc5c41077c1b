// What one probe found.
#pragma once

#include <string>

#include "base/clock.h"

namespace weir::health {

struct CheckResult {
  bool ok = false;
  base::Nanoseconds latency{0};  // from the start of the probe to its verdict
  std::string error;             // empty when ok; else what failed: "status 503, expected 200-299"
  std::string probed{};          // what was asked where: "http GET /health at 10.0.0.1:80"; the prober's to fill in
};

}  // namespace weir::health
