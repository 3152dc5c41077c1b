// Deadline and status of an exchange that carries a gRPC call (PROTOCOL-HTTP2 of gRPC).
#pragma once

#include "exchange/exchange_values.h"
#include "net/task.h"

namespace weir::exchange {

// Reads the deadline of the call into `facts`, which have begun. An answer where grpc-timeout is malformed.
std::optional<StatusAnswer> begin_call(Facts& facts, const http::RequestHead& request);

// For the backend: what is left of the deadline, in `arena`; empty without one.
std::string_view call_timeout(const Facts& facts, base::TimePoint now, base::Arena& arena);

// The grpc-status of a whole response, read to its end from `backend`: UNKNOWN where a response of gRPC has none,
// nothing where it is no such response. `trailers` is overwritten.
std::optional<unsigned> grpc_status_of_response(const http::ResponseHead& response, const BackendSide& backend,
                                                http::HeaderMap& trailers);
// Whether the pool takes that status for success.
inline bool is_fine(const worker::PoolSnapshot& pool, unsigned grpc_status) {
  return (pool.config->grpc.fine_mask >> grpc_status & 1) != 0;
}

// Ends a response that has begun, after the deadline of the call: by trailers, else by a reset.
net::Task<void> end_call(Exchange& exchange);

// Counts the call of an exchange that has ended.
void count_call(const Exchange& exchange);

}  // namespace weir::exchange
