// The way of a snapshot from the publisher to the workers, and their answer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "control/sockets.h"
#include "front/worker_thread.h"
#include "net/task.h"
#include "net/wait.h"
#include "worker/services.h"

namespace weir::control {

// Indexes of the workers that do not use the last snapshot in time.
using LateWorkers = std::vector<std::uint32_t>;
// Delivery::settle(), as those who make changes are given it.
using Settle = std::function<net::Task<LateWorkers>()>;

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

  // Waits until every worker uses the last snapshot delivered, and accepts on its listeners and no others. Does not
  // wait for threads that have not begun or have ended. The workers that are not there after kWorkerPatience are named
  // in the log and returned; they follow as soon as they can. Each snapshot is waited for in vain only once: from then
  // on the answer comes at once. Empty when cancelled.
  net::Task<LateWorkers> settle();
  // A worker has confirmed a snapshot, or has ended: those who wait for no other one go on.
  void look_again();
  // Workers that settle() has returned and that are late still.
  std::size_t late() const { return behind(overdue_version_).size(); }

 private:
  struct Waiting {
    std::uint64_t version;
    net::Waiter waiter{};
  };
  void divide_descriptors(const worker::Snapshot& snapshot);
  LateWorkers behind(std::uint64_t version) const;
  void ask(const std::shared_ptr<const worker::Snapshot>& snapshot);

  worker::Services& services_;
  const std::vector<front::WorkerThread*>& workers_;
  Sockets& sockets_;
  std::size_t descriptor_limit_;
  std::shared_ptr<const worker::Snapshot> last_;  // delivered
  std::uint64_t asked_version_ = 0;               // the last one that the workers were asked to confirm
  std::uint64_t overdue_version_ = 0;             // the last one that was waited for in vain
  std::vector<Waiting*> waiting_;
};

}  // namespace weir::control
