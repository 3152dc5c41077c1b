// The effective configuration: the file's objects and the API's, put together in one name space.
#pragma once

#include <expected>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "config/config.h"
#include "config/fault.h"
#include "config/kinds.h"
#include "control/objects.h"
#include "control/set_aside.h"
#include "persist/sticky_key.h"

namespace weir::control {

struct Effective {
  std::shared_ptr<const config::Config> config;
  // The pools of routing rules: where each of its backends lives, in the order of config's pool of that name.
  std::map<std::string, std::vector<BackendKey>, std::less<>> borrowed;
  std::map<BackendKey, Override> overrides;  // of backends that exist
  std::map<std::string, std::shared_ptr<const ApiCertificate>> certificates{};
  std::set<std::string> absent_certificates{};  // set aside: a listener may name them; the catalog's to fill in
  persist::StickyKey sticky_key{};              // of sticky cookies; the catalog's to fill in
};

// `file` as read, `objects` over it. Objects of `file` whose origin is the API are Weir's own defaults for a start
// without a file: an object of the same name replaces them. Any other clash of names is a fault, as is everything that
// config::validate finds. Overrides of backends that do not exist are left out. The route of a routing rule is called
// "listener/rule:id" on each listener. The verdict blames only objects that are many and often at fault together.
std::expected<Effective, Verdict> merge(const config::Config& file, const Objects& objects, const config::Kinds& kinds);

// Those of `overrides` whose backends are part of the configuration.
std::map<BackendKey, Override> overrides_of_backends(const Effective& effective,
                                                     const std::map<BackendKey, Override>& overrides);

// Whether routing rules append their routes to the listener: it speaks HTTP.
bool takes_rules(const config::Listener& listener);

}  // namespace weir::control
