// The compiled routes of one listener: which route takes a request, and what it makes of it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "base/ip.h"
#include "config/config.h"
#include "http/message.h"
#include "route/header_changes.h"
#include "route/template.h"

namespace weir::route {

inline constexpr std::uint32_t kNoRoute = UINT32_MAX;

// Immutable after compile(); used by all workers at once. Finding a route does not grow with the number of hosts nor
// with the number of exact paths and prefixes, and allocates nothing but from the arena.
//
// Among the routes that match, the most specific wins. Two routes are compared by, in this order:
//   1. host: an exact name, then *.suffix (the longer suffix first), then any host;
//   2. path: exact, then path_regex, then path_prefix (the longer first), then any path;
//      a route with several of them belongs to the first kind it has, and all of them must hold;
//   3. the number of predicates on method, header, query and client: one for `method` and one for `client`, however
//      long their lists, and one for each header and each query parameter;
//   4. the order in which they are written.
// A less specific route takes the request when no more specific one matches in full.
//
// Comparisons: the host without port and trailing dot, ignoring case. The path in its canonical form
// (RequestHead::routed_path, which http::canonicalize() has set by the listener's `paths`), with case; a prefix ends at
// a segment border and its own trailing slash does not count. A header predicate holds when any field of that name has
// the value, a query predicate when any parameter of that name has it after percent-decoding with '+' as a space;
// `absent` holds when there is none. Regular expressions are RE2's over bytes and must match the whole text.
class Table {
 public:
  // The listener must have passed config::validate; `listener` is copied as far as needed. A route whose expressions do
  // not compile all the same takes nothing, and the log says so.
  static std::unique_ptr<Table> compile(const config::Listener& listener);
  ~Table();

  // The index of the route in listener.routes, or kNoRoute. The arena holds decoded parameters of the query.
  std::uint32_t find(const http::RequestHead& request, const base::IpAddress& client, base::Arena& arena) const;

  // The findings about every route, the most specific first, for `weir explain`. find() returns the first one with
  // `matched`. Slow: looks at every route.
  struct Reason {
    std::uint32_t route;
    bool matched;     // all its predicates hold
    std::string why;  // every predicate in words, up to the first that does not hold
  };
  std::vector<Reason> explain(const http::RequestHead& request, const base::IpAddress& client) const;

  // path?query as the backend sees it after `route`'s rewrite: http::origin_target() when it has none, and for the
  // forms without a path. The query is kept; a '?' in the replacement puts its own parameters first. The result lives
  // in `arena` or in the request. Empty when what a variable stands for makes no path.
  std::string_view rewritten_target(std::uint32_t route, const http::RequestHead& request, const Values& values,
                                    base::Arena& arena) const;
  // The Host that the backend sees; empty: unchanged. Nothing when what a variable stands for makes no host. Lives as
  // long as the table or the arena.
  std::optional<std::string_view> rewritten_host(std::uint32_t route, const http::RequestHead& request,
                                                 const Values& values, base::Arena& arena) const;
  // The Location of a redirecting route. Empty when no safe one can be made (a {host} without a usable Host): answer
  // 400. Contains no control bytes, spaces or backslashes, whatever the request
  // holds; a `to` that is a path yields a path that begins with exactly one slash.
  std::string_view redirect_location(std::uint32_t route, const http::RequestHead& request, const Values& values,
                                     base::Arena& arena) const;
  // The changes to the fields of requests and responses, ready to apply. Live as long as the table.
  const HeaderChanges& request_headers(std::uint32_t route) const;
  const HeaderChanges& response_headers(std::uint32_t route) const;

 private:
  struct State;
  explicit Table(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace weir::route
