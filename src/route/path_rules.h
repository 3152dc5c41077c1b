// The paths rules of a listener, as http/target.h takes them.
#pragma once

#include "config/config.h"
#include "http/target.h"

namespace weir::route {

inline http::PathRules path_rules(const config::Paths& paths) {
  // The same names in the same order.
  static_assert(static_cast<int>(config::EncodedSlash::keep) == static_cast<int>(http::EncodedSlash::keep));
  static_assert(static_cast<int>(config::PathParameters::refuse) == static_cast<int>(http::PathParameters::refuse));
  return {.merge_slashes = paths.merge_slashes,
          .encoded_slash = static_cast<http::EncodedSlash>(paths.encoded_slash),
          .parameters = static_cast<http::PathParameters>(paths.parameters)};
}

// A path of the configuration as routes compare it; unchanged when these rules refuse it, as no request has it then.
inline std::string routed_text(std::string_view path, const http::PathRules& rules) {
  base::Arena arena;
  return std::string(http::canonical_path(path, rules, arena).routed);
}

}  // namespace weir::route
