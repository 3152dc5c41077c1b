// route::check: what is wrong with a route beyond what its types say.
#include <fmt/format.h>

#include "base/text.h"
#include "http/authority.h"
#include "http/chars.h"
#include "http/target.h"
#include "route/location.h"
#include "route/table.h"

namespace weir::route {
namespace {

class Checker {
 public:
  explicit Checker(const config::Route& route) : route_(route) {}

  std::vector<Fault> run() {
    const config::Match& match = route_.match;
    for (const std::string& host : match.host) check_host(host);
    if (match.path && *match.path != "*") check_match_path("match.path", *match.path);
    if (match.path_prefix) check_match_path("match.path_prefix", *match.path_prefix);
    if (match.path_regex) check_expression("match.path_regex", *match.path_regex);
    for (const std::string& method : match.method) {
      if (!http::is_token(method)) add("match.method", fmt::format("'{}' is no method", method));
    }
    for (const config::NamedMatch& header : match.header) {
      if (!http::is_token(header.name)) add("match.header", fmt::format("'{}' is no header name", header.name));
      check_named("match.header", header);
    }
    for (const config::NamedMatch& parameter : match.query) check_named("match.query", parameter);
    if (route_.redirect) check_redirect();
    check_rewrite();
    check_changes("request_headers", route_.request_headers);
    check_changes("response_headers", route_.response_headers);
    return std::move(faults_);
  }

 private:
  void add(std::string key, std::string what) { faults_.push_back({std::move(key), std::move(what)}); }

  void check_host(std::string_view host) {
    if (host == "*") return;
    std::string_view name = host;
    if (name.starts_with("*.")) name.remove_prefix(2);
    http::Authority parts;
    if (name.contains('*')) {
      add("match.host", fmt::format("'{}' has a '*' within; one may stand only in front, as in *.example.com", host));
    } else if (name.starts_with('.') || name.contains("..") || http::parse_authority(name, parts) != nullptr) {
      add("match.host", fmt::format("'{}' is no host name; write a.example or *.example", host));
    } else if (parts.has_port) {
      add("match.host", fmt::format("'{}' has a port, which routes do not look at; leave it out", host));
    }
  }

  void check_match_path(const char* key, std::string_view path) {
    if (!path.starts_with('/')) {
      add(key, fmt::format("'{}' does not begin with '/'", path));
    } else if (path.contains('?') || !http::all_chars(path, http::kTargetChar)) {
      add(key, fmt::format("'{}' has characters that no path holds; percent-encode them", path));
    } else if (const char* rule = http::check_path(path)) {
      add(key, fmt::format("'{}' can never match: {}", path, rule));
    }
  }

  // The number of groups, or nothing when it does not compile.
  std::optional<int> check_expression(const char* key, std::string_view pattern) {
    const Expression expression(pattern);
    if (expression.error().empty()) return expression.groups();
    add(key, fmt::format("'{}' does not compile: {} (RE2 syntax: no look-around, no back-references)", pattern,
                         expression.error()));
    return std::nullopt;
  }

  void check_named(const char* key, const config::NamedMatch& match) {
    if (match.name.empty()) add(key, "has an empty name");
    if (match.kind == config::MatchKind::regex) check_expression(key, match.value);
  }

  void check_redirect() {
    int groups = -1;
    if (route_.match.path_regex) groups = Expression(*route_.match.path_regex).groups();
    const std::string fault = Location(route_.redirect->to).fault(groups);
    if (!fault.empty()) add("redirect.to", fmt::format("'{}' {}", route_.redirect->to, fault));
  }

  void check_rewrite() {
    const config::Rewrite& rewrite = route_.rewrite;
    if (rewrite.path_prefix && rewrite.path_regex) {
      add("rewrite", "has both path_prefix and path_regex; give one of them");
    }
    if (rewrite.path_prefix) {
      if (!route_.match.path_prefix) add("rewrite.path_prefix", "replaces match.path_prefix, which is not given");
      check_match_path("rewrite.path_prefix", rewrite.path_prefix->empty() ? "/" : *rewrite.path_prefix);
    }
    if (rewrite.path_regex && check_expression("rewrite.path_regex", *rewrite.path_regex)) {
      const std::string fault = Expression(*rewrite.path_regex).fault_of_substitution(rewrite.substitution);
      if (!fault.empty()) add("rewrite.substitution", fmt::format("'{}': {}", rewrite.substitution, fault));
    }
    if (!rewrite.path_regex && !rewrite.substitution.empty()) {
      add("rewrite.substitution", "stands without rewrite.path_regex");
    }
    http::Authority parts;
    if (rewrite.host && http::parse_authority(*rewrite.host, parts) != nullptr) {
      add("rewrite.host",
          fmt::format("'{}' is no host; write a name or address, with a port if need be", *rewrite.host));
    }
  }

  void check_name(const std::string& key, std::string_view name) {
    if (!http::is_token(name)) {
      add(key, fmt::format("'{}' is no header name", name));
    } else if (is_reserved(http::header_id(name))) {
      add(key, http::header_id(name) == http::HeaderId::host
                   ? "Host is changed with rewrite.host"
                   : fmt::format("'{}' belongs to the connection; Weir writes it itself", name));
    }
  }

  void check_changes(const std::string& part, const config::HeaderChanges& changes) {
    for (const std::string& name : changes.remove) check_name(part + ".remove", name);
    auto check_fields = [&](const std::string& key, const auto& fields) {
      for (const auto& [name, value] : fields) {
        check_name(key, name);
        if (!http::is_field_value(value)) {
          add(key, fmt::format("the value of '{}' has control characters, which no header may hold", name));
        }
      }
    };
    check_fields(part + ".set", changes.set);
    check_fields(part + ".add", changes.add);
  }

  const config::Route& route_;
  std::vector<Fault> faults_;
};

}  // namespace

std::vector<Fault> check(const config::Route& route) { return Checker(route).run(); }

}  // namespace weir::route
