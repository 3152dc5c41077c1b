#include "route/rewrite.h"

#include <algorithm>

#include "route/path_rules.h"
#include "route/text_builder.h"

namespace weir::route {
namespace {

constexpr config::TemplateUse kUse = config::TemplateUse::rewrite;

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

std::string routed_prefix(std::string_view prefix, const http::PathRules& paths) {
  std::string routed = routed_text(prefix, paths);
  if (routed.ends_with('/')) routed.pop_back();
  return routed;
}

Rewrite::Rewrite(const config::Route& route, const http::PathRules& paths)
    : taken_(routed_prefix(route.match.path_prefix.value_or(""), paths)),
      prefix_template_(Template::parse(route.rewrite.path_prefix.value_or(""), kUse, Template::Place::path)),
      substitution_(plain_text(route.rewrite.substitution, kUse)),
      substitution_template_(Template::parse(route.rewrite.substitution, kUse, Template::Place::substitution)),
      host_(plain_text(route.rewrite.host.value_or(""), kUse)),
      host_template_(Template::parse(host_, kUse, Template::Place::host)) {
  if (route.rewrite.path_prefix) prefix_ = path_literal(plain_text(*route.rewrite.path_prefix, kUse));
  if (route.rewrite.path_regex) expression_.emplace(*route.rewrite.path_regex);
}

// "/old" -> "/new" turns /old into /new and /old/x into /new/x; -> "/" into / and /x. As many segments go as the prefix
// has, since those of the path may be longer than what routes compare: "/old;v=1/x".
std::string_view Rewrite::replaced_prefix(const http::RequestHead& request, std::string_view start,
                                          base::Arena& arena) const {
  std::string_view rest = request.path;
  if (is_under(request.routed_path, taken_)) {
    for (auto left = std::ranges::count(taken_, '/'); left > 0; --left) {
      rest.remove_prefix(std::min(rest.find('/', 1), rest.size()));
    }
  }
  if (rest.starts_with('/') && start.ends_with('/')) start.remove_suffix(1);
  return arena.join(start, rest);
}

// Nothing when a variable has no value that fits.
std::optional<std::string_view> Rewrite::replaced(const http::RequestHead& request, const Values& values,
                                                  base::Arena& arena) const {
  const auto& made = prefix_ ? prefix_template_ : substitution_template_;
  std::string_view text = prefix_ ? *prefix_ : substitution_;
  if (made) {
    const std::optional<std::string_view> filled = made->text(request, values, arena);
    if (!filled) return std::nullopt;
    text = *filled;
  }
  return prefix_ ? replaced_prefix(request, text, arena) : expression_->replace_all(request.path, text, arena);
}

std::string_view Rewrite::target(const http::RequestHead& request, const Values& values, base::Arena& arena) const {
  if (!prefix_ && !expression_) {
    return http::origin_target(request, arena);
  }
  if (!request.path.starts_with('/')) return request.path.empty() ? request.target : request.path;

  const std::optional<std::string_view> filled = replaced(request, values, arena);
  if (!filled) return {};
  std::string_view made = *filled;
  const auto question = made.find('?');
  const std::string_view own_query = question == std::string_view::npos ? "" : made.substr(question + 1);
  made = rooted(made.substr(0, question), arena);
  // Dot segments and escapes that the replacement put together would mean another path to the backend than to us.
  if (http::check_path(made) != nullptr) return {};
  const http::PathForm form = http::canonical_path(made, http::kPathAsWritten, arena);
  if (form.fault != nullptr) return {};
  made = form.clean;
  if (!own_query.empty()) {
    return request.query.empty() ? arena.join(made, "?", own_query)
                                 : arena.join(made, "?", own_query, "&", request.query);
  }
  return request.has_query ? arena.join(made, "?", request.query) : made;
}

}  // namespace weir::route
