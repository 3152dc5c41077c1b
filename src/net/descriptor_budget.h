// How the descriptors of the process are divided, so that traffic never takes those of everything else.
#pragma once

#include <atomic>
#include <cstddef>
#include <string>

namespace weir::net {

// Kept for what serves no traffic: a fourth for the admin API, a fourth for probes, the rest for the store, logs, names
// and reloads. An eighth of the limit, within bounds.
std::size_t kept_descriptors(std::size_t limit);

// Counts what traffic has open, over all workers, and says how much that may be. Any thread; outlives the workers.
class DescriptorBudget {
 public:
  // The descriptors to divide. Clients of TCP and HTTP need two each, their own and one to a backend; flows of
  // UDP one; moving bytes inside the kernel two more, where there are some.
  struct Needs {
    std::size_t limit = 0;           // RLIMIT_NOFILE
    std::size_t fixed = 0;           // open for as long as the configuration lasts: listening sockets, event loops
    std::size_t wanted_clients = 0;  // 0: as many as can be
    bool has_udp = false;
  };
  void divide(const Needs& needs);

  // How the limit was divided, in one line for people, with what raises it.
  std::string summary() const;

  std::size_t max_clients() const { return max_clients_.load(std::memory_order_relaxed); }
  std::size_t max_flows() const { return max_flows_.load(std::memory_order_relaxed); }
  std::size_t max_upstream() const { return max_upstream_.load(std::memory_order_relaxed); }

  // Connections to backends, those that are being opened included. False: no more of them now.
  bool has_upstream() const { return upstream_.load(std::memory_order_relaxed) < max_upstream(); }
  void add_upstream() { upstream_.fetch_add(1, std::memory_order_relaxed); }
  void remove_upstream() { upstream_.fetch_sub(1, std::memory_order_relaxed); }

  bool has_flows() const { return flows_.load(std::memory_order_relaxed) < max_flows(); }
  void add_flow() { flows_.fetch_add(1, std::memory_order_relaxed); }
  void remove_flow() { flows_.fetch_sub(1, std::memory_order_relaxed); }

  // One pipe, if there may be one more.
  bool take_pipe();
  void give_back_pipe() { pipes_.fetch_sub(1, std::memory_order_relaxed); }

 private:
  std::atomic<std::size_t> limit_{SIZE_MAX};
  std::atomic<std::size_t> max_clients_{SIZE_MAX};
  std::atomic<std::size_t> max_upstream_{SIZE_MAX};
  std::atomic<std::size_t> max_flows_{SIZE_MAX};
  std::atomic<std::size_t> max_pipes_{SIZE_MAX};
  std::atomic<std::size_t> upstream_{0};
  std::atomic<std::size_t> flows_{0};
  std::atomic<std::size_t> pipes_{0};
};

// Counts one connection to a backend while it lives; null: in no budget.
class UpstreamDescriptor {
 public:
  explicit UpstreamDescriptor(DescriptorBudget* budget) : budget_(budget) {
    if (budget_ != nullptr) budget_->add_upstream();
  }
  ~UpstreamDescriptor() {
    if (budget_ != nullptr) budget_->remove_upstream();
  }
  UpstreamDescriptor(const UpstreamDescriptor&) = delete;
  UpstreamDescriptor& operator=(const UpstreamDescriptor&) = delete;

 private:
  DescriptorBudget* budget_;
};

}  // namespace weir::net
