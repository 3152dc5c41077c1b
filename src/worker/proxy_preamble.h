// The PROXY header that is sent to a backend in front of everything else.
#pragma once

#include <string>
#include <string_view>

#include "config/config.h"
#include "worker/client_facts.h"

namespace weir::worker {

// Empty for SendProxy::off. `unique_id` may be empty.
std::string proxy_preamble(config::SendProxy version, const ClientFacts& client, std::string_view unique_id);

}  // namespace weir::worker
