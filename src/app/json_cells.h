// Members of the admin API's answers as text, for the tables of the command line.
#pragma once

#include <string>
#include <string_view>

#include "app/admin_client.h"

namespace weir::app {

// Strings as they are, everything else as JSON writes it, "-" when the member is not there or null, or `object` is
// none.
std::string cell(const Json& object, std::string_view key);
// 0 when it is no number.
double number(const Json& object, std::string_view key);
// The member, or null.
const Json& member(const Json& object, std::string_view key);

}  // namespace weir::app
