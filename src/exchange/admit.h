// Refusals that come before any route, and the limits of the listener.
#pragma once

#include <optional>

#include "exchange/answer.h"
#include "exchange/client_side.h"
#include "exchange/facts.h"

namespace weir::exchange {

// Nothing: the request may look for its route. Brings the path into its canonical form and completes the facts with
// what the request says to proxies (Max-Forwards, the deadline of a gRPC call).
std::optional<StatusAnswer> admit(Facts& facts, worker::ClientConnection& client, ClientSide& side,
                                  http::RequestHead& request, base::Arena& arena);

}  // namespace weir::exchange
