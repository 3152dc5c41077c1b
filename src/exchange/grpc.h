// What gRPC over HTTP/2 asks of a proxy (PROTOCOL-HTTP2 of gRPC): errors in its own terms, and what its statuses mean.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/arena.h"
#include "base/clock.h"
#include "http/message.h"
#include "worker/termination.h"

namespace weir::exchange {

// Whether a message with these fields is gRPC's: application/grpc, alone or with "+proto" and the like.
bool is_grpc(const http::HeaderMap& headers);

// The grpc-status that stands for an answer of Weir's own: that of the termination (terminations.def), else by its HTTP
// status.
unsigned grpc_status_of(worker::Termination how, std::uint16_t status);
unsigned grpc_status_of(std::uint16_t status);

// The status that `fields` have in grpc-status; nothing when it is not there, UNKNOWN when it is no known code.
std::optional<unsigned> grpc_status_in(const http::HeaderMap& fields);

// The value of grpc-timeout: 1 to 8 digits and H, M, S, m, u or n. Nothing when it is no such value; kNoGrpcDeadline
// when it is so far away that nobody waits for it. 0 is taken: clients send it when their own deadline has just passed.
inline constexpr base::Nanoseconds kNoGrpcDeadline = base::Nanoseconds::max();
std::optional<base::Nanoseconds> parse_grpc_timeout(std::string_view value);
// The other way, in `arena`: never more than `left`, and exact to 5 digits or more. At least 1n.
std::string_view format_grpc_timeout(base::Nanoseconds left, base::Arena& arena);

inline constexpr std::string_view kGrpcDeadlineExceeded = "Deadline Exceeded";

// `text` as the value of grpc-message, in `arena`: what is not printable ASCII, and '%', is percent-encoded.
std::string_view grpc_message(std::string_view text, base::Arena& arena);

}  // namespace weir::exchange
