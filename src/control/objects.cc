#include "control/objects.h"

#include <fmt/format.h>
#include <utility>

#include "config/json.h"
#include "config/read.h"
#include "config/validate.h"
#include "control/bodies.h"
#include "control/sticky_key.h"

namespace weir::control {
namespace {

// The kinds of stored objects.
constexpr std::string_view kPool = "pool";
constexpr std::string_view kBackend = "backend";
constexpr std::string_view kListener = "listener";
constexpr std::string_view kRule = "rule";
constexpr std::string_view kCertificate = "certificate";
constexpr std::string_view kOverride = "override";

// The key is taken by value: it is usually a part of the object, which moves only inside.
template <typename Map, typename T>
void put(Map& objects, typename Map::key_type key, T&& object) {
  objects[std::move(key)] = std::make_shared<const std::remove_cvref_t<T>>(std::forward<T>(object));
}

// Reads one stored object into its place among `objects`.
config::Faults read_into(Objects& objects, const StoredObject& stored, const config::Kinds& kinds) {
  auto keep = [](auto& result, auto&& place) -> config::Faults {
    if (!result) return std::move(result.error());
    place(std::move(*result));
    return {};
  };
  if (stored.kind == kPool) {
    auto pool = config::read_pool(stored.json, kinds);
    return keep(pool, [&](config::Pool&& it) { put(objects.pools, it.name, std::move(it)); });
  }
  if (stored.kind == kBackend) {
    auto backend = config::read_backend(stored.json, kinds);
    return keep(backend, [&](config::PoolBackend&& it) {
      put(objects.backends, {it.pool, it.backend.id}, std::move(it.backend));
    });
  }
  if (stored.kind == kListener) {
    auto listener = config::read_listener(stored.json, kinds);
    return keep(listener, [&](config::Listener&& it) { put(objects.listeners, it.name, std::move(it)); });
  }
  if (stored.kind == kRule) {
    auto rule = read_body<Rule>(stored.json, kinds);
    return keep(rule, [&](Rule&& it) { put(objects.rules, it.id, std::move(it)); });
  }
  if (stored.kind == kCertificate) {
    auto certificate = read_body<ApiCertificate>(stored.json, kinds);
    std::string why = certificate ? config::fault_of_name(certificate->name) : std::string();
    if (!why.empty()) return {{{"store", 0, 0}, "name", std::move(why)}};
    return keep(certificate, [&](ApiCertificate&& it) { put(objects.certificates, it.name, std::move(it)); });
  }
  if (stored.kind == kOverride) {
    auto by_operator = read_body<Override>(stored.json, kinds);
    return keep(by_operator, [&](Override&& it) {
      if (auto key = BackendKey::parse(stored.name)) objects.overrides[*key] = it;
    });
  }
  if (stored.kind == kSecretKind) return {};
  return {{{"store", 0, 0}, "", "is of a kind that this Weir does not know"}};
}

// The stored name and JSON of each kind of object.
std::string name_of(const std::string& name) { return name; }
std::string name_of(const BackendKey& key) { return key.text(); }
std::string json_of(const std::string&, const std::shared_ptr<const Rule>& rule) { return write_body(*rule); }
std::string json_of(const std::string&, const std::shared_ptr<const ApiCertificate>& certificate) {
  return write_body(*certificate);
}
std::string json_of(const BackendKey&, const Override& by_operator) { return write_body(by_operator); }
template <typename T>
std::string json_of(const std::string&, const std::shared_ptr<const T>& object) {
  return config::to_json(*object);
}
std::string json_of(const BackendKey& key, const std::shared_ptr<const config::Backend>& backend) {
  config::Node node = config::write_resource(config::resource<config::Backend>(), backend.get(), {});
  node.set("pool", config::Node::of_text(key.pool));
  return config::print_json(node, false);
}

// Appends what takes `before` to `after`; both are sorted by the same keys.
template <typename Map>
void compare(std::string_view kind, const Map& before, const Map& after, std::vector<StoreChange>& changes) {
  auto put = [&](const auto& entry) {
    changes.push_back({std::string(kind), name_of(entry.first), json_of(entry.first, entry.second)});
  };
  auto old = before.begin();
  for (const auto& entry : after) {
    for (; old != before.end() && old->first < entry.first; ++old) {
      changes.push_back({std::string(kind), name_of(old->first), std::nullopt});
    }
    bool same_key = old != before.end() && old->first == entry.first;
    if (!same_key || !(old->second == entry.second)) put(entry);
    if (same_key) ++old;
  }
  for (; old != before.end(); ++old) changes.push_back({std::string(kind), name_of(old->first), std::nullopt});
}

}  // namespace

std::optional<BackendKey> BackendKey::parse(std::string_view text) {
  auto slash = text.rfind('/');  // names of pools may have slashes, ids have none
  if (slash == std::string_view::npos) return {};
  return BackendKey{std::string(text.substr(0, slash)), std::string(text.substr(slash + 1))};
}

std::expected<Objects, config::Faults> read_objects(const std::vector<StoredObject>& stored,
                                                    const config::Kinds& kinds) {
  Objects objects;
  config::Faults faults;
  for (const StoredObject& object : stored) {
    for (config::Fault& fault : read_into(objects, object, kinds)) {
      fault.at = {"store", 0, 0};
      fault.message = fault.path.empty() ? fault.message : fmt::format("{}: {}", fault.path, fault.message);
      fault.path = fmt::format("{} {}", object.kind, object.name);
      faults.push_back(std::move(fault));
    }
  }
  if (!faults.empty()) return std::unexpected(std::move(faults));
  return objects;
}

std::vector<StoreChange> changes(const Objects& before, const Objects& after) {
  std::vector<StoreChange> all;
  compare(kPool, before.pools, after.pools, all);
  compare(kBackend, before.backends, after.backends, all);
  compare(kListener, before.listeners, after.listeners, all);
  compare(kRule, before.rules, after.rules, all);
  compare(kCertificate, before.certificates, after.certificates, all);
  compare(kOverride, before.overrides, after.overrides, all);
  return all;
}

}  // namespace weir::control
