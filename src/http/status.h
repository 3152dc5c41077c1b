// Status codes: their names and whether a response with one has content.
#pragma once

#include <cstdint>
#include <string_view>

namespace weir::http {

// The reason phrase of RFC 9110 15 and of the registry, or "" for a code that is not registered.
std::string_view reason_phrase(std::uint16_t status);

// False where a response never has content, whatever its fields say: 1xx, 204, 304, any to HEAD and 2xx to CONNECT (RFC
// 9110 6.4.1).
bool content_allowed(std::uint16_t status, std::string_view request_method);

}  // namespace weir::http
