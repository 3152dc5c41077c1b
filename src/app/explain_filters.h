// Tells how the filters of a route treat a request, without serving it.
#pragma once

#include <string>

#include "base/arena.h"
#include "base/ip.h"
#include "config/config.h"
#include "http/message.h"

namespace weir::app {

// The filters in their order, and the answer of one of them. Filters that need their files are named only.
struct ExplainedFilters {
  std::string names{};   // "deny, cors"; empty: there are none
  std::string answer{};  // "refused with 403: ..."; empty: the request passes
};

// `route` is null where no route takes the request.
ExplainedFilters explain_filters(const config::Listener& listener, const config::Route* route,
                                 const http::RequestHead& head, const base::IpAddress& client, base::Arena& arena);

}  // namespace weir::app
