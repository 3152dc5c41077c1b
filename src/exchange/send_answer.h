// Sends the answers that Weir gives itself.
#pragma once

#include "exchange/answer.h"
#include "exchange/exchange_values.h"
#include "net/task.h"

namespace weir::exchange {

// The only way of an answer to the client: in gRPC's terms for a call, counted if it is an error. The outcome has its
// status, termination and detail.
net::Task<void> send_answer(Exchange& exchange, Answer answer);

}  // namespace weir::exchange
