// The way of a snapshot from the publisher to the workers.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "control/sockets.h"
#include "front/worker_thread.h"
#include "worker/services.h"

namespace weir::control {

// Control thread only.
class Delivery {
 public:
  // Borrowed; outlive this. `descriptor_limit` is the process's.
  Delivery(worker::Services& services, const std::vector<front::WorkerThread*>& workers, Sockets& sockets,
           std::size_t descriptor_limit)
      : services_(services), workers_(workers), sockets_(sockets), descriptor_limit_(descriptor_limit) {}

  // Gives every worker the snapshot, with the descriptors and the listening sockets that it takes. Connections of
  // listeners that are gone get `drain_timeout` to end.
  void deliver(const std::shared_ptr<const worker::Snapshot>& snapshot, base::Nanoseconds drain_timeout);

 private:
  void divide_descriptors(const worker::Snapshot& snapshot);

  worker::Services& services_;
  const std::vector<front::WorkerThread*>& workers_;
  Sockets& sockets_;
  std::size_t descriptor_limit_;
};

}  // namespace weir::control
