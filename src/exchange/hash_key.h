// The part of a request that a strategy hashes.
#pragma once

#include <string_view>

#include "balance/strategy.h"
#include "http/message.h"

namespace weir::exchange {

// A view into `request`; empty when it is not there, or the client's address is what is hashed.
std::string_view key_text(const balance::HashKeySource& source, const http::RequestHead& request);

}  // namespace weir::exchange
