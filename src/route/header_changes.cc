#include "route/header_changes.h"

#include <algorithm>

#include "base/text.h"
#include "http/chars.h"

namespace weir::route {
namespace {

constexpr unsigned kHeaderIds = 1  // other
#define WEIR_HEADER(id, name) +1
#include "http/known_headers.def"
#undef WEIR_HEADER
    ;
static_assert(kHeaderIds <= 64, "removed_ids_ has a bit for each");

std::string sendable(std::string_view value) {
  std::string text(base::trim(value));
  for (char& c : text) {
    if (!http::is_char(c, http::kFieldChar)) c = ' ';
  }
  return text;
}

}  // namespace

bool is_reserved(http::HeaderId id) {
  using enum http::HeaderId;
  switch (id) {
    case host:
    case connection:
    case content_length:
    case transfer_encoding:
    case keep_alive:
    case proxy_connection:
    case te:
    case trailer:
    case upgrade:
    case expect:
      return true;
    default:
      return false;
  }
}

HeaderChanges::HeaderChanges(const config::HeaderChanges& changes, config::TemplateUse use) {
  for (const std::string& name : changes.remove) remove(name);
  for (auto field = changes.set.begin(); field != changes.set.end(); ++field) {
    remove(field->first);
    // The later of two that set the same name replaces the earlier.
    const bool replaced = std::any_of(std::next(field), changes.set.end(), [&field](const auto& later) {
      return base::equal_ignoring_case(later.first, field->first);
    });
    if (!replaced) append(field->first, field->second, use);
  }
  for (const auto& [name, value] : changes.add) append(name, value, use);
}

const Template* HeaderChanges::template_of(const http::HeaderField& field) const {
  const auto index = static_cast<std::size_t>(&field - appended_.data());
  const auto found = std::ranges::find(templates_, index, &std::pair<std::size_t, Template>::first);
  return found == templates_.end() ? nullptr : &found->second;
}

bool HeaderChanges::removes_name(std::string_view name) const {
  return std::ranges::any_of(removed_names_,
                             [name](const std::string& removed) { return base::equal_ignoring_case(removed, name); });
}

void HeaderChanges::remove(std::string_view name) {
  const http::HeaderId id = http::header_id(name);
  if (is_reserved(id)) return;
  if (id == http::HeaderId::other) {
    removed_names_.emplace_back(name);
  } else {
    removed_ids_ |= std::uint64_t{1} << static_cast<unsigned>(id);
  }
}

void HeaderChanges::append(std::string_view name, std::string_view value, config::TemplateUse use) {
  const http::HeaderId id = http::header_id(name);
  if (is_reserved(id) || !http::is_token(name)) return;
  const auto& kept_name = texts_.emplace_back(std::make_unique<const std::string>(base::to_lower(name)));
  const std::string& stable_name = *kept_name;
  auto made = Template::parse(value, use, Template::Place::header);
  if (made) templates_.emplace_back(appended_.size(), std::move(*made));
  const auto& kept_value =
      texts_.emplace_back(std::make_unique<const std::string>(made ? "" : sendable(plain_text(value, use))));
  appended_.push_back({.name = stable_name, .value = *kept_value, .id = id});
}

}  // namespace weir::route
