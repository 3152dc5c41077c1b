// Clients that a listener refuses, in the error log: enough lines to see who and why, however many there are.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/clock.h"
#include "base/ip.h"
#include "worker/admission.h"

namespace weir::worker {

// One listener's, over all workers; any thread. For each reason kBurst lines at once, and one every kEvery from then
// on.
class RefusalLog {
 public:
  static constexpr auto kEvery = std::chrono::seconds(10);
  static constexpr int kBurst = 5;

  void note(std::string_view listener, Refusal why, const base::IpAddress& client, base::TimePoint now);
  // Whether a line may be written now: how many were left out since the last one. Nothing: it is left out.
  std::optional<std::uint64_t> take_line(Refusal why, base::TimePoint now);

 private:
  struct Reason {
    std::atomic<std::int64_t> next_due{0};  // steady clock, ns: when a line would be in step with kEvery
    std::atomic<std::uint64_t> left_out{0};
  };
  std::array<Reason, kRefusals> reasons_;
};

}  // namespace weir::worker
