// The backend's response on its way to the client.
#pragma once

#include "exchange/exchange_values.h"
#include "net/task.h"

namespace weir::exchange {

// The final head in state.response, and the body behind it.
net::Task<base::Result<void>> relay_response(Exchange& exchange);
// A head of 1xx but 101. 100 goes only to a client that waits for it, and once.
net::Task<base::Result<void>> relay_interim(Exchange& exchange);

// The backend's part is over: at the latest when the attempt has ended, earlier when the whole response is in hand, so
// that backend and connection are free before the client can know it.
void end_attempt(Exchange& exchange, const base::Result<void>& result);

// The parts of the head that are no fields of the backend's; `exchange` keeps them.
ResponseHop response_hop(Exchange& exchange, bool drops_length = false);

}  // namespace weir::exchange
