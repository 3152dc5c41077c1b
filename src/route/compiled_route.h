// One route, ready to be matched and applied: what Table keeps of config::Route.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/config.h"
#include "http/target.h"
#include "route/expression.h"
#include "route/header_changes.h"
#include "route/host_pattern.h"
#include "route/location.h"
#include "route/predicates.h"
#include "route/rewrite.h"

namespace weir::route {

enum class PathKind : std::uint8_t { exact, regex, prefix, any };  // in order of preference

struct CompiledRoute {
  CompiledRoute(const config::Route& route, const http::PathRules& paths);

  // Whether a routed_path fits all that the match says of it.
  bool path_fits(std::string_view path) const;
  // Whether anything is left to ask once host and the text of the first kind of path were found in an index.
  bool asks_more() const;

  std::string name;
  std::vector<HostPattern> hosts;  // at least one; none twice
  PathKind path_kind = PathKind::any;
  std::optional<std::string> exact;   // in the form of routed_path
  std::optional<std::string> prefix;  // of routed_prefix
  std::optional<Expression> regex;
  Predicates predicates;
  Rewrite rewrite;
  std::optional<Location> location;
  HeaderChanges request_headers;
  HeaderChanges response_headers;
};

}  // namespace weir::route
