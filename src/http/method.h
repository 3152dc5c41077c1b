// Methods of requests.
#pragma once

#include <string_view>

namespace weir::http {

// Whether doing it twice does no harm (RFC 9110 9.2.2), of the methods that are known to be so.
inline bool is_idempotent(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE" || method == "OPTIONS";
}

}  // namespace weir::http
