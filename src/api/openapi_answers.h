// The answers of the calls of the API, as OpenAPI describes them.
#pragma once

#include "api/api_state.h"
#include "config/document.h"
#include "config/schema_builder.h"

namespace weir::api {

// The `responses` of the call: its answer, and every status with which it may refuse.
config::Node answers_of(const Call& call);
// The schemas that answers refer to, by name, to be put beside those of the builder.
config::Node answer_schemas(config::SchemaBuilder& builder);

}  // namespace weir::api
