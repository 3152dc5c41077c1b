#include "route/rewrite.h"

#include <algorithm>

#include "http/target.h"
#include "route/text_builder.h"

namespace weir::route {
namespace {

// A replacement of a prefix as it is written: from the root, and with nothing in it that would end the path.
std::string path_literal(std::string_view text) {
  base::Arena arena;
  TextBuilder out(arena, text.size() + 1);
  if (!text.starts_with('/')) out.append('/');
  for (char c : text) {
    if (c == '?' || c == '#') {
      out.append(c == '?' ? "%3F" : "%23");
    } else {
      out.append_encoded({&c, 1});
    }
  }
  return std::string(out.text());
}

// `path` with exactly one leading slash: "//x" could be read as a host.
std::string_view rooted(std::string_view path, base::Arena& arena) {
  if (!path.starts_with('/')) return arena.join("/", path);
  return path.substr(std::min(path.find_first_not_of('/'), path.size()) - 1);
}

}  // namespace

std::string normal_prefix(std::string_view prefix) {
  base::Arena arena;
  std::string_view normal = http::normalized_path(prefix, arena);
  if (normal.ends_with('/')) normal.remove_suffix(1);
  return std::string(normal);
}

Rewrite::Rewrite(const config::Route& route)
    : taken_(normal_prefix(route.match.path_prefix.value_or(""))),
      substitution_(route.rewrite.substitution),
      host_(route.rewrite.host.value_or("")) {
  if (route.rewrite.path_prefix) prefix_ = path_literal(*route.rewrite.path_prefix);
  if (route.rewrite.path_regex) expression_.emplace(*route.rewrite.path_regex);
}

// "/old" -> "/new" turns /old into /new and /old/x into /new/x; -> "/" into / and /x.
std::string_view Rewrite::replaced_prefix(std::string_view path, base::Arena& arena) const {
  const std::string_view rest = is_under(path, taken_) ? path.substr(taken_.size()) : path;
  std::string_view start = *prefix_;
  if (rest.starts_with('/') && start.ends_with('/')) start.remove_suffix(1);
  return arena.join(start, rest);
}

std::string_view Rewrite::target(const http::RequestHead& request, base::Arena& arena) const {
  if (!prefix_ && !expression_) {
    if (request.form != http::TargetForm::absolute) return request.target;
    return request.has_query ? arena.join(request.path, "?", request.query) : request.path;
  }
  if (!request.path.starts_with('/')) return request.path.empty() ? request.target : request.path;

  const std::string_view path = http::normalized_path(request.path, arena);
  std::string_view made = prefix_ ? replaced_prefix(path, arena) : expression_->replace_all(path, substitution_, arena);
  const auto question = made.find('?');
  const std::string_view own_query = question == std::string_view::npos ? "" : made.substr(question + 1);
  made = rooted(made.substr(0, question), arena);
  // Dot segments and escapes that the replacement put together would mean another path to the backend than to us.
  if (http::check_path(made) != nullptr) return {};
  made = http::normalized_path(made, arena);
  if (!own_query.empty()) {
    return request.query.empty() ? arena.join(made, "?", own_query)
                                 : arena.join(made, "?", own_query, "&", request.query);
  }
  return request.has_query ? arena.join(made, "?", request.query) : made;
}

}  // namespace weir::route
