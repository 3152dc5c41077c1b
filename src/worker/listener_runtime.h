// A listener as all workers share it.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>

#include "metrics/registry.h"
#include "worker/admission.h"
#include "worker/refusal_log.h"

namespace weir::worker {

// Lives as long as anybody refers to it.
struct ListenerRuntime {
  ListenerRuntime(std::uint32_t listener_id, const std::string& listener_name, metrics::Registry& registry);
  // Counts a connection of `client` that never gets a session, and names the client in the log.
  void refuse(Refusal why, std::uint32_t worker, const base::IpAddress& client, base::TimePoint now) {
    count_refused(why, worker);
    refusal_log.note(name, why, client, now);
  }
  void count_refused(Refusal why, std::uint32_t worker) { refused[static_cast<std::size_t>(why)].add(worker); }

  std::uint32_t id;
  std::string name;
  std::atomic<std::uint32_t> open{0};  // connections over all workers
  // Workers that have its sockets still; set by whoever gives them to the workers.
  std::atomic<std::uint32_t> listening_workers{0};
  // Workers that have it and do not close it; until all have it, each serves what it accepts itself.
  std::atomic<std::uint32_t> adopting_workers{0};
  metrics::Counter connections_active;
  metrics::Counter connections_total;
  metrics::Counter slow_requests;   // exchanges cut by min_rate while the client sent,
  metrics::Counter slow_responses;  // and while it took the response
  std::array<metrics::Counter, kRefusals> refused;
  Admission admission;
  RefusalLog refusal_log;
  metrics::Histogram request_duration;
};

}  // namespace weir::worker
