#include "http/message.h"

#include "base/text.h"
#include "http/header_lookup.h"

namespace weir::http {

HeaderId header_id(std::string_view name) { return lookup::find(name.data(), name.size()); }

std::string_view header_name(HeaderId id) { return lookup::kNames[static_cast<std::size_t>(id)]; }

const HeaderField* HeaderMap::find(HeaderId id) const {
  for (const HeaderField& field : fields_) {
    if (field.id == id) return &field;
  }
  return nullptr;
}

const HeaderField* HeaderMap::find(std::string_view name) const {
  const HeaderId id = header_id(name);
  if (id != HeaderId::other) return find(id);
  for (const HeaderField& field : fields_) {
    if (field.id == HeaderId::other && base::equal_ignoring_case(field.name, name)) return &field;
  }
  return nullptr;
}

const HeaderField* HeaderMap::find_only(std::string_view name) const {
  const HeaderField* found = nullptr;
  for (const HeaderField& field : fields_) {
    if (!base::equal_ignoring_case(field.name, name)) continue;
    if (found != nullptr) return nullptr;
    found = &field;
  }
  return found;
}

void RequestHead::clear() {
  method = target = scheme = authority = path = routed_path = query = upgrade = {};
  form = TargetForm::origin;
  version = Version::http_1_1;
  headers.clear();
  body = {};
  keep_alive = true;
  has_query = expects_continue = wants_upgrade = extended_connect = false;
}

void ResponseHead::clear() {
  status = 0;
  reason = {};
  version = Version::http_1_1;
  headers.clear();
  body = {};
  keep_alive = true;
}

}  // namespace weir::http
