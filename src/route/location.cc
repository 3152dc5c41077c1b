#include "route/location.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

#include "base/text.h"
#include "http/target.h"
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
  place_in_authority(first);
}

void Location::split(std::string_view to) {
  while (!to.empty()) {
    const auto open = to.find('{');
    if (std::string_view literal = to.substr(0, open); !literal.empty()) pieces_.push_back({.text = encoded(literal)});
    if (open == std::string_view::npos) return;
    const auto close = to.find('}', open);
    if (close == std::string_view::npos) {
      pieces_.push_back({.text = encoded(to.substr(open))});
      return;
    }
    add_variable(to.substr(open + 1, close - open - 1));
    to.remove_prefix(close + 1);
  }
}

void Location::add_variable(std::string_view name) {
  if (name == "scheme") {
    pieces_.push_back({.kind = Kind::scheme});
  } else if (name == "host") {
    pieces_.push_back({.kind = Kind::host});
  } else if (name == "path") {
    pieces_.push_back({.kind = Kind::path});
  } else if (name == "query") {
    Piece query{.kind = Kind::query};
    // Only the '?' that the variable follows at once is its own.
    if (!pieces_.empty() && pieces_.back().kind == Kind::literal && pieces_.back().text.ends_with('?')) {
      pieces_.back().text.pop_back();
      query.question_mark = true;
    }
    pieces_.push_back(std::move(query));
  } else if (name.size() == 1 && name[0] >= '0' && name[0] <= '9') {
    const int group = name[0] - '0';
    has_group_ = true;
    pieces_.push_back({.kind = Kind::group, .group = static_cast<std::uint8_t>(group)});
  } else {
    pieces_.push_back({.text = encoded(fmt::format("{{{}}}", name))});
  }
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
    if (piece.kind == Kind::host || piece.kind == Kind::scheme) {
      has_host_ = true;
      continue;
    }
    // A group is of the host only when text of the host follows it: else it could choose where the host ends.
    const bool more_host =
        at + 1 < pieces_.size() && pieces_[at + 1].kind == Kind::literal && host_bytes(pieces_[at + 1].text) > 0;
    piece.in_host = piece.kind == Kind::group && more_host;
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
  if (has_query) return;
  Piece query{.kind = Kind::query, .question_mark = true};
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

std::string_view Location::make(const http::RequestHead& request, std::string_view scheme, const Expression* expression,
                                base::Arena& arena) const {
  if (!has_host_) return {};
  std::array<std::string_view, Expression::kMaxGroups + 1> groups{};
  const std::string_view path = http::normalized_path(request.path, arena);
  if (has_group_ && expression != nullptr) expression->capture(path, groups);

  TextBuilder out(arena, path.size() + request.query.size() + 64);
  if (is_path_) out.append('/');
  for (const Piece& piece : pieces_) {
    switch (piece.kind) {
      case Kind::literal:
        out.append(piece.text);
        break;
      case Kind::scheme:
        out.append(scheme);
        break;
      case Kind::host: {
        const std::string_view host = without_port(request.authority);
        if (!is_plain_host(host)) return {};
        out.append(host);
        break;
      }
      case Kind::query:
        if (piece.begins_path) out.append('/');
        if (piece.question_mark && !request.query.empty()) out.append('?');
        out.append_encoded(request.query);
        break;
      case Kind::path:
      case Kind::group: {
        const std::string_view value = piece.kind == Kind::path ? path : groups[piece.group];
        if (piece.in_host && !std::ranges::all_of(value, is_name_byte)) return {};
        if (piece.begins_path && !value.starts_with('/')) out.append('/');
        out.append_encoded(value);
        break;
      }
    }
  }
  std::string_view location = out.text();
  if (!is_path_) return location;
  // One slash was put before whatever came; all others that lead go.
  const auto start = std::min(location.find_first_not_of('/'), location.size());
  return location.substr(start - 1);
}

}  // namespace weir::route
