#include "control/instance_id.h"

#include <array>
#include <fmt/format.h>
#include <fstream>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "base/hash.h"
#include "base/log.h"
#include "control/patience.h"
#include "control/sticky_key.h"
#include "control/store_link.h"

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

// Empty when the store has none.
std::string stored_id(const store::Contents& contents) {
  for (const store::Object& object : contents.objects) {
    if (object.kind != kSecretKind || object.name != kName) continue;
    Json json = Json::parse(object.json, nullptr, false);
    if (json.is_object() && json.contains("id") && json["id"].is_string()) return json["id"];
  }
  return {};
}

}  // namespace

net::Task<std::string> instance_id(store::Store& store, std::string admin_listen) {
  StoreLink link(store);
  store::Result<store::Contents> contents = co_await link.load(kStorePatience);
  std::string id = contents ? stored_id(*contents) : std::string();
  if (!id.empty()) co_return id;
  id = new_id(admin_listen);
  std::string json = Json{{"id", id}}.dump(-1, ' ', false, Json::error_handler_t::replace);
  std::vector<store::Change> changes{{std::string(kSecretKind), std::string(kName), std::move(json)}};
  store::Result<void> stored = co_await link.commit(std::move(changes), kStorePatience);
  if (!stored) base::log_warning("the load_balancer_id {} is not stored: {}", id, stored.error().message);
  co_return id;
}

}  // namespace weir::control
