// The compiled routes of one listener: which route takes a request.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "base/ip.h"
#include "config/config.h"
#include "http/message.h"

namespace weir::route {

inline constexpr std::uint32_t kNoRoute = UINT32_MAX;

// Immutable after compile(); used by all workers at once. Finding a route does not grow with the number of hosts and
// allocates nothing. Among the routes that match, the most specific wins: exact host over *.suffix (longer suffix
// first) over any host; then exact path over path_regex over path_prefix (longer first) over any path; then the one
// with more predicates on method, header, query and client; then the one written first.
class Table {
 public:
  // The listener must have been validated; `listener` is copied as far as needed.
  static std::unique_ptr<Table> compile(const config::Listener& listener);
  ~Table();

  // The index of the route in listener.routes, or kNoRoute.
  std::uint32_t find(const http::RequestHead& request, const base::IpAddress& client) const;

  // Why each route was or was not taken, in order of preference, for `weir explain`.
  struct Reason {
    std::uint32_t route;
    bool matched;
    std::string why;
  };
  std::vector<Reason> explain(const http::RequestHead& request, const base::IpAddress& client) const;

  // What `route` makes of the request: path?query as the backend shall see them, the host it shall see (empty:
  // unchanged), or the Location of a redirect. Results live in `arena` or in the request.
  std::string_view rewritten_target(std::uint32_t route, const http::RequestHead& request, base::Arena& arena) const;
  std::string_view rewritten_host(std::uint32_t route) const;
  std::string_view redirect_location(std::uint32_t route, const http::RequestHead& request, std::string_view scheme,
                                     base::Arena& arena) const;

 private:
  struct State;
  explicit Table(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace weir::route
