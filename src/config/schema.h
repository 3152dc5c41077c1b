// The JSON Schema of the configuration file, made from the same tables that read it.
#pragma once

#include <string>

#include "config/kinds.h"

namespace weir::config {

// JSON Schema, draft 2020-12, as indented text ending in a newline.
std::string json_schema(const Kinds& kinds);

}  // namespace weir::config
