// What the calls of the API answer, as OpenAPI describes it.
#pragma once

#include "config/document.h"
#include "config/schema_builder.h"
#include "control/api_state.h"

namespace weir::control {

// The `responses` of the call: its answer, and every status with which it may refuse.
config::Node answers_of(const Call& call);
// The schemas that answers refer to, by name, to be put beside those of the builder.
config::Node answer_schemas(config::SchemaBuilder& builder);

}  // namespace weir::control
