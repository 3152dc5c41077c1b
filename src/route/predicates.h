// The conditions of a route besides host and path.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "base/ip.h"
#include "config/config.h"
#include "http/message.h"
#include "route/expression.h"

namespace weir::route {

// One header or query parameter.
class NamedPredicate {
 public:
  explicit NamedPredicate(const config::NamedMatch& match);

  bool holds_for_headers(const http::HeaderMap& headers) const;
  // Decoded values that need room are put in `arena`.
  bool holds_for_query(std::string_view query, base::Arena& arena) const;
  // "x-tenant is acme", "debug is absent".
  std::string to_string() const;

 private:
  bool value_fits(std::string_view value) const;

  config::NamedMatch match_;
  http::HeaderId id_;
  std::optional<Expression> expression_;
};

// The predicates on method, client, header and query, of which all must hold. Immutable, any thread.
class Predicates {
 public:
  explicit Predicates(const config::Match& match);

  // How many there are: one for all methods, one for all client blocks, one for each header and query parameter.
  std::uint32_t count() const;
  bool hold(const http::RequestHead& request, const base::IpAddress& client, base::Arena& arena) const;
  // The same in words: each predicate that holds, up to the first that does not, is added to `why`.
  bool explain(const http::RequestHead& request, const base::IpAddress& client, std::vector<std::string>& why) const;

 private:
  bool method_fits(std::string_view method) const;
  bool client_fits(const base::IpAddress& client) const;

  std::vector<std::string> methods_;
  std::vector<base::Cidr> clients_;
  std::vector<NamedPredicate> headers_;
  std::vector<NamedPredicate> query_;
};

}  // namespace weir::route
