#include "api/redaction.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

namespace weir::api {
namespace {

using Json = nlohmann::ordered_json;

// Keys of health checks, of routes, and of the predicates of routes.
constexpr std::array<std::string_view, 4> kWithHeaders{"headers", "request_headers", "response_headers", "header"};

// Texts below `value`, but not the names in `remove` lists.
void hide_texts(Json& value) {
  if (value.is_string()) value = kHidden;
  if (!value.is_structured()) return;
  for (auto& [key, member] : value.items()) {
    if (key != "remove") hide_texts(member);
  }
}

void redact(Json& value) {
  if (!value.is_structured()) return;
  for (auto& [key, member] : value.items()) {
    if (member.is_object() && std::ranges::find(kWithHeaders, key) != kWithHeaders.end()) {
      hide_texts(member);
    } else {
      redact(member);
    }
  }
}

}  // namespace

std::string without_header_values(std::string_view json) {
  Json parsed = Json::parse(json, nullptr, false);
  if (parsed.is_discarded()) return "{}\n";
  redact(parsed);
  return parsed.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace weir::api
