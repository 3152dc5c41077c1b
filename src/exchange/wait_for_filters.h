// A request whose filter has to wait before it can say what becomes of it.
#pragma once

#include <optional>

#include "exchange/exchange_values.h"
#include "net/task.h"

namespace weir::exchange {

// The rest of the way through the filters: the answer of one of them, or nothing when the request passes. It takes no
// longer than the deadline of the call and timeouts.request allow, and ends when the client breaks its connection:
// outcome.failure says so. Throws bad_alloc.
net::Task<std::optional<Answer>> wait_for_filters(Exchange& exchange);

}  // namespace weir::exchange
