// The page at the root of the admin API.
#pragma once

#include <string>
#include <string_view>

namespace weir::api {

// Scripts and styles of the page itself, and the API it came from; nothing from elsewhere.
inline constexpr std::string_view kStatusPagePolicy =
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

// HTML without external resources; it reads GET /health and GET /backends every two seconds.
std::string status_page();

}  // namespace weir::api
