#include "control/instance_id.h"

#include <array>
#include <fmt/format.h>
#include <fstream>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "base/hash.h"
#include "base/log.h"
#include "control/sticky_key.h"

namespace weir::control {
namespace {

using Json = nlohmann::ordered_json;
constexpr std::string_view kName = "load_balancer_id";

std::string new_id(const std::string& admin_listen) {
  std::array<char, 256> host{"weir"};
  gethostname(host.data(), host.size() - 1);
  std::string machine;
  std::ifstream("/etc/machine-id") >> machine;
  std::uint64_t hash = base::hash_text(fmt::format("{}\n{}\n{}", host.data(), machine, admin_listen));
  return fmt::format("{}-{:08x}", host.data(), hash & 0xffffffff);
}

}  // namespace

std::string instance_id(store::Store& store, const std::string& admin_listen) {
  store::StoreResult<store::StoreContents> contents = store.load();
  if (contents) {
    for (const store::StoredObject& object : contents->objects) {
      if (object.kind != kSecretKind || object.name != kName) continue;
      Json json = Json::parse(object.json, nullptr, false);
      if (json.is_object() && json.contains("id") && json["id"].is_string()) return json["id"];
    }
  }
  std::string id = new_id(admin_listen);
  std::string json = Json{{"id", id}}.dump(-1, ' ', false, Json::error_handler_t::replace);
  store::StoreResult<std::uint64_t> stored =
      store.commit(std::array{store::StoreChange{std::string(kSecretKind), std::string(kName), std::move(json)}});
  if (!stored) base::log_warning("the load_balancer_id {} is not stored: {}", id, stored.error().message);
  return id;
}

}  // namespace weir::control
