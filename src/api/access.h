// Permissions of callers and calls.
#pragma once

#include <optional>
#include <string>

#include "api/message.h"
#include "api/problem.h"
#include "config/config.h"

namespace weir::api {

// The permission that a call needs. A role may do everything that the ones before it may.
enum class Permission : std::uint8_t {
  anyone,     // no token needed: liveness and readiness
  viewer,     // sees everything
  operator_,  // operational state: drain, enable, disable
  admin,      // definitions
};

// The caller's name for the audit, or 401 or 403.
//
// Without tokens the network position is the permission: loopback and unix peers may do everything, others nothing.
// A browser on this machine has that position too and lends it to any page it shows. So a request whose Host is a name
// that somebody else's DNS could point here is refused (DNS rebinding), and, with tokens or without, a change whose
// Origin is not the admin API's own (cross-site request forgery). With tokens every call but `anyone` needs one.
std::expected<std::string, Problem> admit(const ApiRequest& request, Permission permission, const config::Admin& admin);

}  // namespace weir::api
