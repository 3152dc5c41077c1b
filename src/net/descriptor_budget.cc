#include "net/descriptor_budget.h"

#include <algorithm>
#include <fmt/format.h>

namespace weir::net {
namespace {

constexpr std::size_t kLeastKept = 40;
constexpr std::size_t kMostKept = 2048;
// However few there are, something is served.
constexpr std::size_t kLeastForTraffic = 16;

}  // namespace

std::size_t kept_descriptors(std::size_t limit) { return std::clamp(limit / 8, kLeastKept, kMostKept); }

void DescriptorBudget::divide(const Needs& needs) {
  std::size_t taken = needs.fixed + kept_descriptors(needs.limit);
  std::size_t traffic = needs.limit > taken + kLeastForTraffic ? needs.limit - taken : kLeastForTraffic;
  // Anybody can send datagrams in the name of others: flows have half of all, and leave a fourth of what there is for
  // traffic in any case.
  std::size_t flows = needs.has_udp ? std::min(needs.limit / 2, traffic - traffic / 4) : 0;
  std::size_t streams = traffic - flows;
  std::size_t pipes = streams / 20;
  std::size_t connections = streams - 2 * pipes;
  std::size_t clients = connections / 2;
  // With more configured, clients share connections to backends, or are idle; some are left in any case.
  if (needs.wanted_clients > 0) clients = std::min(needs.wanted_clients, connections - connections / 4);
  limit_ = needs.limit;
  max_clients_ = clients;
  max_upstream_ = connections - clients;
  max_flows_ = flows;
  max_pipes_ = pipes;
}

std::string DescriptorBudget::summary() const {
  std::size_t limit = limit_.load(std::memory_order_relaxed);
  std::string flows = max_flows() == 0 ? "" : fmt::format("{} flows of UDP, ", max_flows());
  return fmt::format(
      "descriptors: of {} open files at most {} are connections of clients, {}{} connections to backends, {} kept for "
      "the admin API, probes, store and logs; LimitNOFILE= or ulimit -Hn gives more, max_connections divides otherwise",
      limit, max_clients(), flows, max_upstream(), kept_descriptors(limit));
}

bool DescriptorBudget::take_pipe() {
  if (pipes_.fetch_add(1, std::memory_order_relaxed) < max_pipes_.load(std::memory_order_relaxed)) return true;
  give_back_pipe();
  return false;
}

}  // namespace weir::net
