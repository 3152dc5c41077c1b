#include "control/objects.h"

#include <fmt/format.h>
#include <utility>

#include "config/json.h"
#include "config/read.h"
#include "config/validate.h"
#include "control/object_json.h"
#include "control/sticky_key.h"

namespace weir::control {
namespace {

// The key is taken by value: it is usually a part of the object, which moves only inside.
template <typename Map, typename T>
void put(Map& objects, typename Map::key_type key, T&& object) {
  objects[std::move(key)] = std::make_shared<const std::remove_cvref_t<T>>(std::forward<T>(object));
}

// The stored name and JSON of each kind of object.
std::string name_of(const std::string& name) { return name; }
std::string name_of(const BackendKey& key) { return key.text(); }
std::string json_of(const std::string&, const std::shared_ptr<const Rule>& rule) { return write_object(*rule); }
std::string json_of(const std::string&, const std::shared_ptr<const ApiCertificate>& certificate) {
  return write_object(*certificate);
}
std::string json_of(const BackendKey&, const Override& by_operator) { return write_object(by_operator); }
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
void compare(std::string_view kind, const Map& before, const Map& after, std::vector<store::Change>& changes) {
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

config::Faults read_into(Objects& objects, const store::Object& stored, const config::Kinds& kinds) {
  auto keep = [](auto& result, auto&& place) -> config::Faults {
    if (!result) return std::move(result.error());
    place(std::move(*result));
    return {};
  };
  if (stored.kind == kPoolKind) {
    auto pool = config::read_pool(stored.json, kinds);
    return keep(pool, [&](config::Pool&& it) { put(objects.pools, it.name, std::move(it)); });
  }
  if (stored.kind == kBackendKind) {
    auto backend = config::read_backend(stored.json, kinds);
    return keep(backend, [&](config::PoolBackend&& it) {
      put(objects.backends, {it.pool, it.backend.id}, std::move(it.backend));
    });
  }
  if (stored.kind == kListenerKind) {
    auto listener = config::read_listener(stored.json, kinds);
    return keep(listener, [&](config::Listener&& it) { put(objects.listeners, it.name, std::move(it)); });
  }
  if (stored.kind == kRuleKind) {
    auto rule = read_object<Rule>(stored.json, kinds);
    return keep(rule, [&](Rule&& it) { put(objects.rules, it.id, std::move(it)); });
  }
  if (stored.kind == kCertificateKind) {
    auto certificate = read_object<ApiCertificate>(stored.json, kinds);
    base::Checked<void> named;
    if (certificate) named = config::check_name(certificate->name);
    if (!named) return {{{"store", 0, 0}, "name", std::move(named.error())}};
    return keep(certificate, [&](ApiCertificate&& it) { put(objects.certificates, it.name, std::move(it)); });
  }
  if (stored.kind == kOverrideKind) {
    auto by_operator = read_object<Override>(stored.json, kinds);
    return keep(by_operator, [&](Override&& it) {
      if (auto key = BackendKey::parse(stored.name)) objects.overrides[*key] = it;
    });
  }
  if (stored.kind == kSecretKind) return {};
  return {{{"store", 0, 0}, "", "is of a kind that this Weir does not know"}};
}

namespace {

// Calls `visit(kind, map)` for each kind of object but overrides; those that others refer to come first.
template <typename Visit>
void for_each_kind(auto& objects, Visit visit) {
  visit(kCertificateKind, objects.certificates);
  visit(kPoolKind, objects.pools);
  visit(kBackendKind, objects.backends);
  visit(kListenerKind, objects.listeners);
  visit(kRuleKind, objects.rules);
}

// The entry of that name in a map of the kind, or its end.
template <typename Map>
auto find_in(Map& map, const std::string& name) {
  if constexpr (std::is_same_v<typename Map::key_type, BackendKey>) {
    std::optional<BackendKey> key = BackendKey::parse(name);
    return key ? map.find(*key) : map.end();
  } else {
    return map.find(name);
  }
}

// Calls `use(map, entry)` if there is an object of that name.
template <typename Use>
void with_object(auto& objects, const ObjectName& name, Use use) {
  for_each_kind(objects, [&](std::string_view kind, auto& map) {
    if (kind != name.kind) return;
    if (auto found = find_in(map, name.name); found != map.end()) use(map, found);
  });
}

}  // namespace

std::vector<ObjectName> names_of(const Objects& objects) {
  std::vector<ObjectName> names;
  for_each_kind(objects, [&](std::string_view kind, const auto& map) {
    for (const auto& entry : map) names.push_back({std::string(kind), name_of(entry.first)});
  });
  return names;
}

std::size_t rank_of(std::string_view wanted) {
  std::size_t rank = 0, found = SIZE_MAX;
  static const Objects kNone;
  for_each_kind(kNone, [&](std::string_view kind, const auto&) {
    if (kind == wanted) found = rank;
    ++rank;
  });
  return found;
}

void copy(const ObjectName& name, const Objects& from, Objects& to) {
  with_object(from, name, [&](const auto& map, auto found) {
    for_each_kind(to, [&](std::string_view kind, auto& target) {
      if constexpr (std::is_same_v<decltype(target), std::remove_cvref_t<decltype(map)>&>) {
        if (kind == name.kind) target.insert_or_assign(found->first, found->second);
      }
    });
  });
}

bool erase(const ObjectName& name, Objects& from) {
  bool erased = false;
  with_object(from, name, [&](auto& map, auto found) {
    map.erase(found);
    erased = true;
  });
  return erased;
}

bool contains(const Objects& objects, const ObjectName& name) {
  bool there = false;
  with_object(objects, name, [&](const auto&, auto) { there = true; });
  return there;
}

std::string stored_json(const Objects& objects, const ObjectName& name) {
  std::string json;
  with_object(objects, name, [&](const auto&, auto found) { json = json_of(found->first, found->second); });
  return json;
}

std::vector<store::Change> changes(const Objects& before, const Objects& after) {
  std::vector<store::Change> all;
  compare(kPoolKind, before.pools, after.pools, all);
  compare(kBackendKind, before.backends, after.backends, all);
  compare(kListenerKind, before.listeners, after.listeners, all);
  compare(kRuleKind, before.rules, after.rules, all);
  compare(kCertificateKind, before.certificates, after.certificates, all);
  compare(kOverrideKind, before.overrides, after.overrides, all);
  return all;
}

}  // namespace weir::control
