// What was made through the API, as typed objects, and their form in the store.
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
#include "control/store.h"

namespace weir::control {

struct BackendKey {
  std::string pool;
  std::string id;
  std::string text() const { return pool + "/" + id; }
  // "pool/id". Nothing when there is no slash.
  static std::optional<BackendKey> parse(std::string_view text);
  friend auto operator<=>(const BackendKey&, const BackendKey&) = default;
};

// What an operator laid over the definition of a backend, wherever that comes from.
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
  config::Choice algorithm{.name = "weighted_round_robin", .options = {}};
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

// Reads what a store holds. Faults name the object: "store: backend default/web-1: weight: ...".
std::expected<Objects, config::Faults> read_objects(const std::vector<StoredObject>& stored,
                                                    const config::Kinds& kinds);

// The commit that takes a store that holds `before` to `after`. Objects that are the same pointer are not looked at.
std::vector<StoreChange> changes(const Objects& before, const Objects& after);

}  // namespace weir::control
