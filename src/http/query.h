// Parameters of a query string: name=value pairs joined by '&'.
#pragma once

#include <optional>
#include <string_view>

#include "base/arena.h"

namespace weir::http {

// One parameter, still encoded. "a" without '=' has an empty value.
struct QueryParameter {
  std::string_view name;
  std::string_view value;
};

// The next parameter of `rest`, which is shortened by it; nothing at the end. Empty pieces ("a=1&&b=2") are skipped.
std::optional<QueryParameter> next_parameter(std::string_view& rest);

// The value, still encoded, of the first parameter whose decoded name is `name`; nothing when there is none. A view
// into `query`, which is without its '?'. Does not allocate.
std::optional<std::string_view> find_parameter(std::string_view query, std::string_view name);

// Whether encoded `text` decodes to `plain`, by the rules of decode_parameter. Does not allocate.
bool decodes_to(std::string_view text, std::string_view plain);

// Without escapes and with '+' read as a space (the form encoding of HTML); a '%' without two hexadecimal digits stands
// for itself. `text` itself when nothing changes, else in `arena`.
std::string_view decode_parameter(std::string_view text, base::Arena& arena);

}  // namespace weir::http
