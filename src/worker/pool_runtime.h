// The part of a pool that outlives changes of its configuration.
#pragma once

#include <string>

#include "metrics/registry.h"
#include "pool/ejection_quota.h"
#include "pool/retry_budget.h"
#include "upstream/acquire_options.h"

namespace weir::worker {

// Created on the control thread, used by all workers.
struct PoolRuntime {
  PoolRuntime(const std::string& pool_name, std::uint32_t workers, metrics::Registry& registry);

  pool::RetryBudget retry_budget;
  pool::EjectionQuota ejections;
  upstream::ConnectionMetrics connections;
  metrics::Counter retries;
  metrics::Histogram upstream_duration;
};

}  // namespace weir::worker
