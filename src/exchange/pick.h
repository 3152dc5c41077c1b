// The backend for the next try of an exchange: by stickiness at first, then by the strategy of the pool.
#pragma once

#include <cstdint>

#include "exchange/exchange_values.h"
#include "persist/method.h"

namespace weir::exchange {

// An index of the pool's eligible backends; balance::kNone when there is none. Notes in `exchange` whether the pool's
// stickiness must hear of it.
std::uint32_t pick(Exchange& exchange);

// The client as stickiness sees it.
persist::Client sticky_client(const Exchange& exchange);

}  // namespace weir::exchange
