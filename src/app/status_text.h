// The text of `weir status` and `weir backends ID`, made from the answers of the admin API.
#pragma once

#include <string>

#include "app/admin_client.h"

namespace weir::app {

// "3 min 20 s"
std::string span_text(double seconds);
// GET /health. `degraded` has `{"pool", "backends"}` for the pools of its `degraded_pools` whose reason is to be shown.
std::string status_text(const Json& health, const Json& degraded);
// GET /backends/{id} and GET /backends/{id}/health; the latter is null for a backend that is set aside.
std::string backend_text(const Json& backend, const Json& health);

}  // namespace weir::app
