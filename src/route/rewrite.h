// The path and host that the backend sees in place of the client's.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/arena.h"
#include "config/config.h"
#include "http/message.h"
#include "http/target.h"
#include "route/expression.h"
#include "route/template.h"

namespace weir::route {

// A prefix of paths as routing compares it: in the form of routed_path and without its trailing slash, so "/" is empty.
std::string routed_prefix(std::string_view prefix, const http::PathRules& paths);
// Whether `path` is `prefix` (of routed_prefix) or below it.
inline bool is_under(std::string_view path, std::string_view prefix) {
  return path.starts_with('/') && path.starts_with(prefix) &&
         (path.size() == prefix.size() || path[prefix.size()] == '/');
}

// A route's config::Rewrite. Immutable, any thread.
class Rewrite {
 public:
  Rewrite(const config::Route& route, const http::PathRules& paths);

  // path?query for the backend. See Table::rewritten_target.
  std::string_view target(const http::RequestHead& request, const Values& values, base::Arena& arena) const;
  // See Table::rewritten_host.
  std::optional<std::string_view> host(const http::RequestHead& request, const Values& values,
                                       base::Arena& arena) const {
    return host_template_ ? host_template_->text(request, values, arena) : host_;
  }

 private:
  std::optional<std::string_view> replaced(const http::RequestHead& request, const Values& values,
                                           base::Arena& arena) const;
  std::string_view replaced_prefix(const http::RequestHead& request, std::string_view start, base::Arena& arena) const;

  std::string taken_;  // the match's path_prefix
  std::optional<std::string> prefix_;
  std::optional<Template> prefix_template_;
  std::optional<Expression> expression_;
  std::string substitution_;
  std::optional<Template> substitution_template_;
  std::string host_;
  std::optional<Template> host_template_;
};

}  // namespace weir::route
