// How the control thread hears of ejections by workers.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "config/config.h"
#include "pool/ejection_reason.h"
#include "pool/endpoint.h"

namespace weir::worker {

struct PoolRuntime;

// A worker has ejected an endpoint, or brought one back.
struct EjectionNews {
  enum class Kind : std::uint8_t {
    ejected,    // by failures in a row; a place of the quota of `pool` is taken for it
    returned,   // its trial has succeeded
    out_again,  // its trial has failed
  };
  Kind kind = Kind::ejected;
  std::shared_ptr<pool::Endpoint> endpoint{};
  std::shared_ptr<const config::Pool> pool{};  // whose traffic it was
  std::shared_ptr<PoolRuntime> runtime{};      // of that pool
  pool::EjectionState state{};                 // that it is in by this
  pool::EjectionReason reason{};               // unless it has returned
  std::string detail{};                        // the same in figures, for people
};

}  // namespace weir::worker
