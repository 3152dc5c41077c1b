// The description of the API for machines.
#pragma once

#include <string>
#include <string_view>

#include "config/kinds.h"

namespace weir::api {

// OpenAPI 3.1 as indented JSON, from the table of calls and the tables of the configuration.
std::string openapi(const config::Kinds& kinds, std::string_view version);

}  // namespace weir::api
