// Errors of the API: application/problem+json (RFC 9457).
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/message.h"
#include "config/fault.h"
#include "control/catalog.h"

namespace weir::api {

struct Problem {
  int status = 400;
  std::string detail;
  config::Faults faults{};  // each with the field at fault as its path, relative to the body
  std::vector<std::pair<std::string, std::string>> headers{};
  config::Origin origin{};  // of the object of the file that stands in the way
  std::string who{};        // the token whose role is too low

  ApiResponse to_response() const;
};

using ApiResult = std::expected<ApiResponse, Problem>;

// 400: `field` of the body or the query is wrong.
std::unexpected<Problem> bad_field(std::string_view field, std::string message);
// 400: `body` has these faults. Paths into a value that was sent in its short form ("algorithm": "random" for
// {"type": "random"}, a backend's "address" for host and port) become those of what was sent.
std::unexpected<Problem> bad_body(config::Faults faults, std::string_view body = {});
// 404.
std::unexpected<Problem> not_found(std::string detail);
// 409.
std::unexpected<Problem> conflict(std::string detail, std::string_view field = {});
// 409: the object was written in the configuration file and must be changed there.
std::unexpected<Problem> of_file(std::string_view what, const config::Origin& origin);
// 409 for a configuration that would be faulty or was changed by another Weir, 507 for a full store, 503 for one that
// cannot be written and when other changes take too long.
std::unexpected<Problem> refused(control::Catalog::Refusal refusal);

// The reason phrase of a status that the API uses.
std::string_view status_phrase(int status);

}  // namespace weir::api
