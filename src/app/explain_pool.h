// The part of `weir explain` behind the route: which backends of the pool may take the request.
#pragma once

#include <string>
#include <vector>

#include "base/ip.h"
#include "config/config.h"
#include "http/message.h"

namespace weir::app {

// Whether it may be given new work, while it is healthy.
bool takes_work(const config::Backend& backend);
// "maglev: by a key in a table ..., sticky by client address".
std::string describe_strategy(const config::Pool& pool);
// "5 bad answers or 3 local failures in a row; ...; at most 1 of 3 backends out at once".
std::string describe_passive(const config::Pool& pool);
// The key of a strategy that hashes and the backend it picks, then a line for every backend of the pool.
std::vector<std::string> describe_backends(const config::Pool& pool, const http::RequestHead& request,
                                           const base::IpAddress& client);

}  // namespace weir::app
