// Sends the answers that Weir gives itself.
#pragma once

#include "net/task.h"
#include "proxy/answer.h"
#include "proxy/exchange_values.h"

namespace weir::proxy {

// The only way of an answer to the client: in gRPC's terms for a call, counted if it is an error. The outcome has its
// status, termination and detail.
net::Task<void> send_answer(Exchange& exchange, Answer answer);

}  // namespace weir::proxy
