// The common services of all workers.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>

#include "access_log/log.h"
#include "metrics/registry.h"
#include "net/descriptor_budget.h"
#include "net/reactor.h"
#include "pool/backend.h"
#include "worker/ejection_news.h"

namespace weir::worker {

// Outlives the workers.
struct Services {
  metrics::Registry* registry = nullptr;
  std::atomic<access_log::Log*> access_log{nullptr};  // null: off
  net::Reactor* control = nullptr;                    // where old snapshots are destroyed
  std::size_t worker_count = 1;
  // A connection to a backend could not be opened. Called on workers, must not block.
  std::function<void(const pool::Backend&, const base::Error&)> connect_failed;
  // An endpoint was ejected by a worker, or has returned. Likewise; may throw bad_alloc.
  std::function<void(EjectionNews)> ejection;
  std::function<void()> worker_ended;        // called on each worker's thread as its last deed
  std::function<void()> snapshot_confirmed;  // called on a worker's thread: it uses the snapshot it was asked about
  net::DescriptorBudget descriptors;
  std::atomic<std::size_t> given_back{0};       // bytes that workers gave back to the heap
  std::atomic<std::int64_t> next_complaint{0};  // of too many clients: steady clock, ns
  metrics::Counter client_bytes_in, client_bytes_out, backend_bytes_in, backend_bytes_out;
};

}  // namespace weir::worker
