// Bodies of calls that are no objects of the store.
#pragma once

#include <cstdint>
#include <string>

#include "config/config.h"
#include "config/fields.h"
#include "control/object_json.h"

namespace weir::api {

// The body of PUT /config/algorithm.
struct AlgorithmBody {
  config::Choice algorithm{.name = {}, .options = {}};
  std::string pool = "default";
  bool sticky_sessions = false;
  std::uint32_t sticky_ttl_seconds = 3600;
};

}  // namespace weir::api

namespace weir::config {

template <>
const Resource& resource<api::AlgorithmBody>();

}  // namespace weir::config
