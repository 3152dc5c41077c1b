#include "app/json_cells.h"

namespace weir::app {

const Json& member(const Json& object, std::string_view key) {
  static const Json kNone;
  if (!object.is_object()) return kNone;
  auto found = object.find(key);
  return found == object.end() ? kNone : *found;
}

std::string cell(const Json& object, std::string_view key) {
  const Json& value = member(object, key);
  if (value.is_null()) return "-";
  return value.is_string() ? value.get<std::string>() : value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

double number(const Json& object, std::string_view key) {
  const Json& value = member(object, key);
  return value.is_number() ? value.get<double>() : 0;
}

}  // namespace weir::app
