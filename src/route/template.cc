#include "route/template.h"

#include <algorithm>

#include "base/text.h"
#include "http/authority.h"
#include "http/chars.h"
#include "route/host_pattern.h"

namespace weir::route {
namespace {

using config::Variable;

std::string_view sendable(std::string_view value, base::Arena& arena) {
  value = base::trim(value);
  if (http::all_chars(value, http::kFieldChar)) return value;
  char* start = arena.allocate(value.size());
  std::ranges::transform(value, start, [](char c) { return http::is_char(c, http::kFieldChar) ? c : ' '; });
  return base::trim({start, value.size()});
}

// A value as one segment of a path, or a part of one.
void append_segment(TextBuilder& out, std::string_view value) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  for (char c : value) {
    if (http::is_char(c, http::kUnreservedChar)) {
      out.append(c);
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    const char escape[] = {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    out.append(std::string_view(escape, sizeof escape));
  }
}

}  // namespace

std::string_view value_of(const config::TemplatePiece& piece, const http::RequestHead& request, const Values& values,
                          base::Arena& arena) {
  switch (*piece.variable) {
    case Variable::host:
      return without_port(request.authority);
    case Variable::path:
      return request.path;
    case Variable::query:
      return request.query;
    case Variable::method:
      return request.method;
    case Variable::header: {
      const http::HeaderField* field = request.headers.find(std::string_view(piece.text));
      return field == nullptr ? std::string_view() : field->value;
    }
    case Variable::group:
      return {};
    default:
      return values.value(*piece.variable, arena);
  }
}

std::optional<Template> Template::parse(std::string_view text, config::TemplateUse use, Place place) {
  if (text.find('{') == std::string_view::npos) return std::nullopt;
  auto pieces = config::parse_template(text, use);
  auto is_variable = [](const config::TemplatePiece& piece) { return piece.variable.has_value(); };
  if (!pieces || std::ranges::none_of(*pieces, is_variable)) return std::nullopt;
  return Template(std::move(*pieces), place);
}

std::optional<std::string_view> Template::text(const http::RequestHead& request, const Values& values,
                                               base::Arena& arena) const {
  TextBuilder out(arena, 64);
  for (const config::TemplatePiece& piece : pieces_) {
    if (!piece.variable) {
      if (place_ == Place::path) {
        out.append_encoded(piece.text);
      } else {
        out.append(piece.text);
      }
      continue;
    }
    const std::string_view value = value_of(piece, request, values, arena);
    if (place_ == Place::header || place_ == Place::host) {
      out.append(value);
    } else if (piece.variable == Variable::path || piece.variable == Variable::query) {
      out.append_encoded(value);
    } else if (value == "." || value == "..") {
      return std::nullopt;
    } else {
      append_segment(out, value);
    }
  }
  if (place_ == Place::header) return sendable(out.text(), arena);
  http::Authority parts;
  if (place_ == Place::host && http::parse_authority(out.text(), parts) != nullptr) return std::nullopt;
  return out.text();
}

std::string plain_text(std::string_view text, config::TemplateUse use) {
  if (text.find('{') == std::string_view::npos) return std::string(text);
  auto pieces = config::parse_template(text, use);
  const bool is_literal = pieces && pieces->size() == 1 && !pieces->front().variable;
  return is_literal ? std::move(pieces->front().text) : std::string(text);
}

}  // namespace weir::route
