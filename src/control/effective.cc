#include "control/effective.h"

#include <algorithm>
#include <cstdio>
#include <fmt/format.h>
#include <unordered_map>
#include <utility>

#include "base/text.h"
#include "config/sticky.h"
#include "config/validate.h"

namespace weir::control {
namespace {

// Puts one configuration together.
class Merger {
 public:
  Merger(const config::Config& file, const Objects& objects, const config::Kinds& kinds)
      : objects_(objects), kinds_(kinds), config_(std::make_shared<config::Config>(file)) {}

  std::expected<Effective, Verdict> merge() {
    add_named(config_->pools, objects_.pools, kPoolKind);
    add_named(config_->listeners, objects_.listeners, kListenerKind);
    for (const config::Certificate& certificate : config_->certificates) {
      if (!objects_.certificates.contains(certificate.name)) continue;
      clash({std::string(kCertificateKind), certificate.name}, certificate.origin);
    }
    for (std::size_t i = 0; i < config_->pools.size(); ++i) pool_index_[config_->pools[i].name] = i;
    add_backends();
    for (const auto& [id, rule] : objects_.rules) add_rule(*rule);
    for (config::Listener& listener : config_->listeners) add_redirect(listener);
    std::size_t own_pools = config_->pools.size();
    std::ranges::move(rule_pools_, std::back_inserter(config_->pools));
    if (verdict_.faults.empty()) {
      verdict_.faults = config::validate(*config_, kinds_);
      blame_backends(own_pools);
    }
    name_rule_routes();
    if (!verdict_.faults.empty()) return std::unexpected(std::move(verdict_));
    pool_index_.clear();
    Effective effective{
        .config = config_, .borrowed = std::move(borrowed_), .overrides = {}, .certificates = objects_.certificates};
    effective.overrides = overrides_of_backends(effective, objects_.overrides);
    return effective;
  }

 private:
  template <typename T>
  void add_named(std::vector<T>& all, const std::map<std::string, std::shared_ptr<const T>>& made,
                 std::string_view kind) {
    std::unordered_map<std::string_view, std::size_t> places;
    for (std::size_t i = 0; i < all.size(); ++i) places.emplace(all[i].name, i);
    std::vector<T> added;
    for (const auto& [name, object] : made) {
      auto found = places.find(name);
      if (found == places.end()) {
        added.push_back(*object);
      } else if (T& present = all[found->second]; present.origin.from_api()) {
        present = *object;
      } else {
        clash({std::string(kind), name}, present.origin);
      }
    }
    std::ranges::move(added, std::back_inserter(all));
  }

  void blame(ObjectName name, const config::Origin& at, const std::string& message) {
    verdict_.faults.push_back({at, name.text(), message});
    verdict_.blamed.emplace_back(std::move(name), reason_of({at, "", message}));
  }

  // An object of the API has the name of one in the file.
  void clash(ObjectName name, const config::Origin& in_file) {
    std::string message = fmt::format(
        "a {} of this name was made through the API as well; delete one, or rename the one in the file", name.kind);
    blame(std::move(name), in_file, message);
  }

  // Faults of single backends of the API, which come after the file's in their pool.
  void blame_backends(std::size_t own_pools) {
    for (const config::Fault& fault : verdict_.faults) {
      std::size_t at_pool = 0, at_backend = 0;
      if (std::sscanf(fault.path.c_str(), "pools[%zu].backends[%zu]", &at_pool, &at_backend) != 2) continue;
      if (at_pool >= own_pools) continue;  // of a rule, which borrows them
      const config::Pool& pool = config_->pools[at_pool];
      const config::Backend& backend = pool.backends[at_backend];
      BackendKey key{pool.name, backend.id};
      auto made = objects_.backends.find(key);
      if (made == objects_.backends.end() || !backend.origin.from_api()) continue;
      verdict_.blamed.emplace_back(ObjectName{std::string(kBackendKind), key.text()}, reason_of(fault));
    }
  }

  void add_backends() {
    for (const auto& [key, backend] : objects_.backends) {
      auto found = pool_index_.find(key.pool);
      if (found == pool_index_.end()) {
        blame({std::string(kBackendKind), key.text()}, {"api", 0, 0},
              fmt::format("was made through the API for the pool {}, which does not exist", key.pool));
        continue;
      }
      config_->pools[found->second].backends.push_back(*backend);
    }
    if (objects_.rules.empty()) return;  // nobody will ask
    for (const config::Pool& pool : config_->pools) {
      for (const config::Backend& backend : pool.backends) backends_[{pool.name, backend.id}] = &backend;
    }
  }

  const config::Backend* find(const BackendKey& key) const {
    auto found = backends_.find(key);
    return found == backends_.end() ? nullptr : found->second;
  }

  // A pool of borrowed backends, and a route to it on every HTTP listener. What the rule does not say itself is as in
  // the pool of its first backend.
  void add_rule(const Rule& rule) {
    auto [equal, is_new] = matches_.try_emplace({base::to_lower(rule.host), rule.path_prefix}, rule.id);
    if (!is_new) {
      verdict_.faults.push_back({{"api", 0, 0},
                                 fmt::format("rule {}", rule.id),
                                 fmt::format("the routing rule '{}' takes the same host and path", equal->second)});
    }
    config::Pool pool;
    std::vector<BackendKey>& members = borrowed_[rule.id];
    for (const std::string& text : rule.backends) {
      std::optional<BackendKey> key = BackendKey::parse(text);
      const config::Backend* backend = key ? find(*key) : nullptr;
      if (backend == nullptr) continue;
      if (members.empty()) pool = settings_of(config_->pools[pool_index_.at(key->pool)]);
      members.push_back(*key);
      pool.backends.push_back(*backend);
    }
    name_members(pool, members);
    pool.name = rule.id;
    pool.algorithm = rule.algorithm;
    bool is_usual = pool.sticky.method.name == config::kUsualMethod;
    if (!rule.session_sticky) pool.sticky = {};
    if (rule.session_sticky && !is_usual) config::turn_on(pool.sticky, kinds_["methods"].entries);
    pool.origin = {"api", 0, 0};
    rule_pools_.push_back(std::move(pool));
    add_routes(rule);
  }

  // Everything but the backends, which may be many and are not copied. They keep their addresses.
  static config::Pool settings_of(config::Pool& pool) {
    std::vector<config::Backend> backends;
    backends.swap(pool.backends);
    config::Pool settings = pool;
    backends.swap(pool.backends);
    return settings;
  }

  // Ids are unique in a pool; those borrowed from several pools may not be.
  static void name_members(config::Pool& pool, const std::vector<BackendKey>& members) {
    std::unordered_map<std::string, int> count;
    for (const config::Backend& backend : pool.backends) ++count[backend.id];
    for (std::size_t i = 0; i < members.size(); ++i) {
      if (count[members[i].id] > 1) pool.backends[i].id = members[i].pool + "~" + members[i].id;
    }
  }

  void add_routes(const Rule& rule) {
    config::Route route;
    route.match.path_prefix = rule.path_prefix;
    if (!rule.host.empty()) route.match.host = {rule.host};
    route.pool = rule.id;
    route.origin = {"api", 0, 0};
    for (config::Listener& listener : config_->listeners) {
      if (!takes_rules(listener)) continue;
      std::size_t index = static_cast<std::size_t>(&listener - config_->listeners.data());
      rule_routes_.push_back({.listener = index, .route = listener.routes.size(), .rule = &rule});
      listener.routes.push_back(route);
    }
  }

  // Only after the check of names, which no colon passes: what the file and the API call their listeners and routes can
  // never clash with these, now or at the next start.
  void name_rule_routes() {
    for (const RuleRoute& made : rule_routes_) {
      config::Listener& listener = config_->listeners[made.listener];
      listener.routes[made.route].name = fmt::format("{}/rule:{}", listener.name, made.rule->id);
    }
  }

  // What no other route of the listener takes goes to https: any route is more specific than one without predicates.
  static void add_redirect(config::Listener& listener) {
    if (listener.redirect_to_https == 0) return;
    config::Route route;
    route.name = fmt::format("{}/redirect-to-https", listener.name);
    std::string port = listener.redirect_to_https == 443 ? "" : fmt::format(":{}", listener.redirect_to_https);
    route.redirect = config::Redirect{.to = "https://{host}" + port + "{path}?{query}", .status = 308};
    route.origin = listener.origin;
    listener.routes.push_back(std::move(route));
  }

  const Objects& objects_;
  const config::Kinds& kinds_;
  std::shared_ptr<config::Config> config_;
  std::unordered_map<std::string, std::size_t> pool_index_;
  std::map<BackendKey, const config::Backend*> backends_;
  struct RuleRoute {
    std::size_t listener;
    std::size_t route;
    const Rule* rule;
  };
  std::vector<RuleRoute> rule_routes_;
  std::vector<config::Pool> rule_pools_;  // apart until all are made: backends_ points into config_->pools
  std::map<std::string, std::vector<BackendKey>, std::less<>> borrowed_;
  std::map<std::pair<std::string, std::string>, std::string> matches_;  // host and path of rules, with the id
  Verdict verdict_;
};

}  // namespace

bool takes_rules(const config::Listener& listener) {
  return listener.protocol == config::ListenerProtocol::http || listener.protocol == config::ListenerProtocol::https;
}

std::map<BackendKey, Override> overrides_of_backends(const Effective& effective,
                                                     const std::map<BackendKey, Override>& overrides) {
  std::map<BackendKey, Override> found;
  if (overrides.empty()) return found;
  for (const config::Pool& pool : effective.config->pools) {
    if (effective.borrowed.contains(pool.name)) continue;
    for (const config::Backend& backend : pool.backends) {
      auto entry = overrides.find({pool.name, backend.id});
      if (entry != overrides.end()) found.insert(*entry);
    }
  }
  return found;
}

std::expected<Effective, Verdict> merge(const config::Config& file, const Objects& objects,
                                        const config::Kinds& kinds) {
  return Merger(file, objects, kinds).merge();
}

}  // namespace weir::control
