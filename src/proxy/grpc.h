// What gRPC over HTTP/2 asks of a proxy (PROTOCOL-HTTP2 of gRPC): errors in its own terms, and what its statuses mean.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "http/message.h"

namespace weir::proxy {

// Whether a message with these fields is gRPC's: application/grpc, alone or with "+proto" and the like.
bool is_grpc(const http::HeaderMap& headers);

// The grpc-status that stands for an answer of Weir's own with this HTTP status.
unsigned grpc_status_of(std::uint16_t status);

// What `fields` say in grpc-status; nothing when it is not there, UNKNOWN when it is no known code.
std::optional<unsigned> grpc_status_in(const http::HeaderMap& fields);

}  // namespace weir::proxy
