#include "route/location.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

#include "base/text.h"
#include "route/host_pattern.h"
#include "route/text_builder.h"

namespace weir::route {
namespace {

constexpr std::string_view kSchemeEnd = "://";

bool is_name_byte(char c) {
  const char lower = base::ascii_lower(c);
  return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

// A host name or address that cannot be taken for anything else where a host stands in a URL.
bool is_plain_host(std::string_view host) {
  if (host.starts_with('[')) {
    return host.size() > 2 && host.ends_with(']') &&
           std::ranges::all_of(host.substr(1, host.size() - 2), [](char c) { return c == ':' || is_name_byte(c); });
  }
  return !host.empty() && std::ranges::all_of(host, is_name_byte);
}

// How much of `text`, which begins in the authority of a URL, is of the host.
std::size_t host_bytes(std::string_view text) { return std::min(text.find_first_of("/?#:"), text.size()); }

std::string encoded(std::string_view text) {
  base::Arena arena;
  TextBuilder out(arena, text.size());
  out.append_encoded(text);
  return std::string(out.text());
}

}  // namespace

Location::Location(std::string_view to) {
  const auto scheme_end = to.find(kSchemeEnd);
  const std::string_view scheme = to.substr(0, scheme_end);
  const bool has_scheme =
      scheme_end != std::string_view::npos && !scheme.empty() &&
      (scheme == "{scheme}" || std::ranges::all_of(scheme, [](char c) { return is_name_byte(c) || c == '+'; }));
  is_path_ = !has_scheme;
  if (!has_scheme) {
    split(to);
    keep_query();
    return;
  }
  split(to.substr(0, scheme_end));
  pieces_.push_back({.text = std::string(kSchemeEnd)});
  const std::size_t first = pieces_.size();
  split(to.substr(scheme_end + kSchemeEnd.size()));
  keep_query();
  place_in_authority(first);
}

void Location::split(std::string_view to) {
  auto pieces = config::parse_template(to, config::TemplateUse::redirect);
  if (!pieces) {
    pieces_.push_back({.text = encoded(to)});
    return;
  }
  for (const config::TemplatePiece& piece : *pieces) {
    if (piece.variable) {
      add_variable(piece);
    } else {
      pieces_.push_back({.text = encoded(piece.text)});
    }
  }
}

void Location::add_variable(const config::TemplatePiece& variable) {
  using enum config::Variable;
  Piece piece{.kind = Kind::other, .variable = variable};
  switch (*variable.variable) {
    case scheme:
    case listener_port:
      piece.kind = Kind::plain;
      break;
    case host:
    case tls_sni:
      piece.kind = Kind::host;
      break;
    case query:
      piece.kind = Kind::query;
      // Only the '?' that the variable follows at once is its own.
      if (!pieces_.empty() && pieces_.back().kind == Kind::literal && pieces_.back().text.ends_with('?')) {
        pieces_.back().text.pop_back();
        piece.question_mark = true;
      }
      break;
    case group:
      piece.kind = Kind::group;
      has_group_ = true;
      break;
    default:
      break;
  }
  pieces_.push_back(std::move(piece));
}

// Decides for what follows the scheme which pieces are of the host and which one begins the path.
void Location::place_in_authority(std::size_t first) {
  has_host_ = false;
  for (std::size_t at = first; at < pieces_.size(); ++at) {
    Piece& piece = pieces_[at];
    if (piece.kind == Kind::literal) {
      has_host_ = has_host_ || host_bytes(piece.text) > 0;
      if (piece.text.find_first_of("/?#") != std::string::npos) break;
      continue;
    }
    if (piece.kind == Kind::host || piece.kind == Kind::plain) {
      has_host_ = true;
      continue;
    }
    // Other text is of the host only when text of the host follows it: else it could choose where the host ends.
    const bool more_host =
        at + 1 < pieces_.size() && pieces_[at + 1].kind == Kind::literal && host_bytes(pieces_[at + 1].text) > 0;
    const bool is_path = piece.variable.variable == config::Variable::path;
    piece.in_host = piece.kind != Kind::query && !is_path && more_host;
    piece.begins_path = !piece.in_host;
    if (piece.begins_path) break;
  }
}

void Location::keep_query() {
  bool has_query = false;
  auto fragment = pieces_.end();
  for (auto piece = pieces_.begin(); piece != pieces_.end(); ++piece) {
    has_query = has_query || piece->kind == Kind::query || piece->text.contains('?');
    if (fragment == pieces_.end() && piece->text.contains('#')) fragment = piece;
  }
  if (has_query) {
    Piece& last = pieces_.back();
    if (last.kind == Kind::literal && last.text.ends_with('?')) last.text.pop_back();
    return;
  }
  Piece query{.kind = Kind::query, .variable = {.variable = config::Variable::query}, .question_mark = true};
  if (fragment == pieces_.end()) {
    pieces_.push_back(std::move(query));
    return;
  }
  const auto hash = fragment->text.find('#');
  Piece rest{.text = fragment->text.substr(hash)};
  fragment->text.resize(hash);
  fragment = pieces_.insert(std::next(fragment), std::move(query));
  pieces_.insert(std::next(fragment), std::move(rest));
}

// Writes a variable's value where it stands; false when it cannot stand there.
bool Location::append(const Piece& piece, std::string_view value, TextBuilder& out) const {
  if (piece.kind == Kind::host && !is_plain_host(value)) return false;
  if (piece.in_host && !std::ranges::all_of(value, is_name_byte)) return false;
  if (piece.begins_path && (piece.kind == Kind::query || !value.starts_with('/'))) out.append('/');
  if (piece.question_mark && !value.empty()) out.append('?');
  out.append_encoded(value);
  return true;
}

std::string_view Location::make(const http::RequestHead& request, const Values& values, const Expression* expression,
                                base::Arena& arena) const {
  if (!has_host_) return {};
  std::array<std::string_view, Expression::kMaxGroups + 1> groups{};
  // Groups are of the path as it is forwarded, where the expression takes that form as well.
  if (has_group_ && expression != nullptr && !expression->capture(request.path, groups)) {
    expression->capture(request.routed_path, groups);
  }
  TextBuilder out(arena, request.path.size() + request.query.size() + 64);
  if (is_path_) out.append('/');
  for (const Piece& piece : pieces_) {
    if (piece.kind == Kind::literal) {
      out.append(piece.text);
      continue;
    }
    const std::string_view value =
        piece.kind == Kind::group ? groups[piece.variable.group] : value_of(piece.variable, request, values, arena);
    if (!append(piece, value, out)) return {};
  }
  std::string_view location = out.text();
  if (!is_path_) return location;
  // One slash was put before whatever came; all others that lead go.
  const auto start = std::min(location.find_first_not_of('/'), location.size());
  return location.substr(start - 1);
}

}  // namespace weir::route
