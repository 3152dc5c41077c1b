// The start lines of HTTP/1 (RFC 9112 3 and 4).
#pragma once

#include <cstdint>

#include "http/framing.h"
#include "http/message.h"

namespace weir::http {

enum class StartLine : std::uint8_t { complete, incomplete, broken };

// Read the line at `at` and move `at` behind it. Decide from left to right, so that more bytes never change a verdict.
// `broken` is set if broken. The target is split already.
StartLine read_request_line(const char*& at, const char* end, RequestHead& head, Broken& broken);
StartLine read_status_line(const char*& at, const char* end, ResponseHead& head, Broken& broken);

}  // namespace weir::http
