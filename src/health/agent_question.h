// One question to an agent.
#pragma once

#include <expected>
#include <string>

#include "base/ip.h"
#include "config/config.h"
#include "health/check_result.h"
#include "net/task.h"

namespace weir::health {

// The first line that the agent at `address` says, without its end. Over TCP it must end in CR or LF: one that was cut
// short is no answer. Ends within `timeout`. `agent` outlives the task.
net::Task<std::expected<std::string, Failure>> ask_agent(const config::Agent& agent, base::SocketAddress address,
                                                         base::Nanoseconds timeout);

}  // namespace weir::health
