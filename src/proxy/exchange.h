// One HTTP request and its response, from first byte to access-log line.
#pragma once

#include "http/message.h"
#include "net/task.h"
#include "proxy/client_side.h"
#include "worker/client_connection.h"
#include "worker/termination.h"
#include "worker/worker.h"

namespace weir::proxy {

// Serves the request in `state`, which came over `client` by `side`. On the worker's thread; all three outlive it.
net::Task<void> serve_exchange(ClientConnection& client, ClientSide& side, ExchangeState& state);

// Answers a request header that was not understood, if the client is there to read it; the connection must be closed
// then. `state` has what was read of the request, for the log. `how` is ok unless the cause is another than the status.
net::Task<void> refuse_exchange(ClientConnection& client, ClientSide& side, ExchangeState& state, http::Parsed parsed,
                                Termination how = Termination::ok);

}  // namespace weir::proxy
