// The end of an exchange: what is counted and what is logged.
#pragma once

#include "exchange/exchange_values.h"

namespace weir::exchange {

// Completes the outcome, and counts and logs the exchange by it.
void finish(Exchange& exchange);

// Copies into the arena what finish() will need of the request, whose bytes are about to go; its other fields go as
// well.
void keep_logged_fields(Facts& facts, worker::ExchangeState& state);

}  // namespace weir::exchange
