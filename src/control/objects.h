// The objects made through the API, as typed objects, and their form in the store.
#pragma once

#include <compare>
#include <cstdint>
#include <expected>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/cleanse.h"
#include "config/config.h"
#include "config/fault.h"
#include "config/kinds.h"
#include "store/store.h"

namespace weir::control {

struct BackendKey {
  std::string pool;
  std::string id;
  std::string text() const { return pool + "/" + id; }
  // "pool/id". Nothing when there is no slash.
  static std::optional<BackendKey> parse(std::string_view text);
  friend auto operator<=>(const BackendKey&, const BackendKey&) = default;
};

// The state that an operator laid over the definition of a backend, wherever that comes from.
struct Override {
  enum class Operation : std::uint8_t { none, enabled, draining, disabled };
  Operation operation = Operation::none;
  std::optional<std::uint32_t> weight;
  std::optional<bool> healthy;  // instead of what the probes say

  bool empty() const { return operation == Operation::none && !weight && !healthy; }
  friend bool operator==(const Override&, const Override&) = default;
};

// A routing rule: a route on every HTTP listener to a pool of its own that borrows backends of other pools. A borrowed
// backend keeps its state, counters and probes; only the choice among them is the rule's.
struct Rule {
  std::string id;
  std::string path_prefix;
  std::string host;  // empty: any
  config::Choice algorithm{.name = std::string(config::kUsualAlgorithm), .options = {}};
  std::vector<std::string> backends;  // "pool/id"; those that do not exist at the moment are passed over
  bool session_sticky = false;
  friend bool operator==(const Rule&, const Rule&) = default;
};

// A certificate made through the API: PEM texts. The key leaves Weir only to the store.
struct ApiCertificate {
  std::string name;
  std::string cert;
  std::string key;
  ~ApiCertificate() { base::cleanse(key); }
  friend bool operator==(const ApiCertificate&, const ApiCertificate&) = default;
};

// Everything the store holds. Objects are shared and immutable, so a copy to be changed is cheap. Sorted by name: all
// Weirs with the same objects have the same configuration, in the same order.
struct Objects {
  std::map<std::string, std::shared_ptr<const config::Pool>> pools;  // without their backends
  std::map<BackendKey, std::shared_ptr<const config::Backend>> backends;
  std::map<std::string, std::shared_ptr<const config::Listener>> listeners;
  std::map<std::string, std::shared_ptr<const Rule>> rules;
  std::map<std::string, std::shared_ptr<const ApiCertificate>> certificates;
  std::map<BackendKey, Override> overrides;
};

// An object of the store: its kind and its name there, which is "pool/id" for backends and overrides.
struct ObjectName {
  std::string kind;
  std::string name;
  std::string text() const { return kind + " " + name; }
  friend auto operator<=>(const ObjectName&, const ObjectName&) = default;
};

// The kinds of stored objects.
inline constexpr std::string_view kPoolKind = "pool";
inline constexpr std::string_view kBackendKind = "backend";
inline constexpr std::string_view kListenerKind = "listener";
inline constexpr std::string_view kRuleKind = "rule";
inline constexpr std::string_view kCertificateKind = "certificate";
inline constexpr std::string_view kOverrideKind = "override";

// Reads a stored object into its place among `objects`. Fault paths are relative to the object.
config::Faults read_into(Objects& objects, const store::Object& stored, const config::Kinds& kinds);

// Names of all objects but overrides, each kind after those that it may refer to.
std::vector<ObjectName> names_of(const Objects& objects);
// The place of the kind in names_of().
std::size_t rank_of(std::string_view kind);
// Puts the object of that name, if `from` has it, among `to`.
void copy(const ObjectName& name, const Objects& from, Objects& to);
// False when there is none.
bool erase(const ObjectName& name, Objects& from);
bool contains(const Objects& objects, const ObjectName& name);
// As the store keeps it; empty when there is none.
std::string stored_json(const Objects& objects, const ObjectName& name);

// The commit that takes a store that holds `before` to `after`. Objects that are the same pointer are not looked at.
std::vector<store::Change> changes(const Objects& before, const Objects& after);

}  // namespace weir::control
