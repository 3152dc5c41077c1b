// Connections that were upgraded (RFC 9110 7.8): bytes both ways until both sides have finished.
#pragma once

#include "exchange/exchange_values.h"
#include "net/task.h"

namespace weir::exchange {

// Behind a 101 of the backend, whose head is in state.response: passes it on, and then the bytes.
net::Task<base::Result<void>> tunnel(Exchange& exchange);

}  // namespace weir::exchange
