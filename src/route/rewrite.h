// What the backend sees in place of the client's path and host.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/arena.h"
#include "config/config.h"
#include "http/message.h"
#include "route/expression.h"

namespace weir::route {

// A prefix of paths as routing compares it: in normal form and without its trailing slash, so "/" is empty.
std::string normal_prefix(std::string_view prefix);
// Whether `path` is `prefix` (of normal_prefix) or below it.
inline bool is_under(std::string_view path, std::string_view prefix) {
  return path.starts_with('/') && path.starts_with(prefix) &&
         (path.size() == prefix.size() || path[prefix.size()] == '/');
}

// A route's config::Rewrite. Immutable, any thread.
class Rewrite {
 public:
  explicit Rewrite(const config::Route& route);

  // path?query for the backend. See Table::rewritten_target.
  std::string_view target(const http::RequestHead& request, base::Arena& arena) const;
  std::string_view host() const { return host_; }

 private:
  std::string_view replaced_prefix(std::string_view path, base::Arena& arena) const;

  std::string taken_;  // the match's path_prefix
  std::optional<std::string> prefix_;
  std::optional<Expression> expression_;
  std::string substitution_;
  std::string host_;
};

}  // namespace weir::route
