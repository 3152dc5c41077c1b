// One HTTP request and its response, from first byte to access-log line.
#pragma once

#include "exchange/client_side.h"
#include "http/message.h"
#include "net/task.h"
#include "worker/client_connection.h"
#include "worker/termination.h"
#include "worker/worker.h"

namespace weir::exchange {

// Serves the request in `state`, which came over `client` by `side`. On the worker's thread; all three outlive it.
net::Task<void> serve_exchange(worker::ClientConnection& client, ClientSide& side, worker::ExchangeState& state);

// Answers a request header that was not understood, if the client is there to read it; the connection must be closed
// then. `state` has what was read of the request, for the log. `how` is ok unless the cause is another than the status.
net::Task<void> refuse_exchange(worker::ClientConnection& client, ClientSide& side, worker::ExchangeState& state,
                                http::Parsed parsed, worker::Termination how = worker::Termination::ok);

}  // namespace weir::exchange
