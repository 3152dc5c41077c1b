#include "config/read.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <fstream>
#include <sys/stat.h>
#include <tuple>
#include <unordered_set>

#include "config/document.h"
#include "config/fields.h"
#include "config/json.h"
#include "config/reader.h"
#include "config/validate.h"

namespace weir::config {
namespace {

constexpr const char* kApi = "api";

// Paths of values that could not be read.
class Unread {
 public:
  explicit Unread(const Faults& faults) {
    for (const Fault& fault : faults) {
      if (!fault.path.empty()) paths_.insert(fault.path);
    }
  }
  // True when `path` is one of them, or inside one.
  bool covers(const std::string& path) const {
    if (paths_.empty()) return false;
    for (std::size_t end = path.size(); end != std::string::npos && end > 0; end = path.find_last_of(".[", end - 1)) {
      if (paths_.contains(path.substr(0, end))) return true;
    }
    return false;
  }

 private:
  std::unordered_set<std::string> paths_;
};

// Adds what validation found, at the place in the text; not what only follows from a value that could not be read.
void add_found(Faults found, const Node& root, const std::string& file, Faults& faults) {
  Unread unread(faults);
  for (Fault& fault : found) {
    if (unread.covers(fault.path)) continue;
    if (auto place = locate(root, fault.path)) fault.at = {file, place->first, place->second};
    faults.push_back(std::move(fault));
  }
}

template <typename T>
std::expected<T, Faults> finish(T object, const Document& document, const Kinds& kinds, Faults faults) {
  Faults found;
  if constexpr (std::is_same_v<T, Config>) {
    found = validate(object, kinds);
  } else {
    found = validate(object);
  }
  add_found(std::move(found), document.root, document.file, faults);
  if (faults.empty()) return object;
  auto place = [](const Fault& fault) { return std::tie(fault.at.line, fault.at.column, fault.path); };
  std::ranges::sort(faults, [&](const Fault& a, const Fault& b) { return place(a) < place(b); });
  return std::unexpected(std::move(faults));
}

template <typename T>
std::expected<T, Faults> read_object(Document document, const Kinds& kinds) {
  Faults faults = std::move(document.faults);
  if (!document.complete) return std::unexpected(std::move(faults));
  T object;
  if constexpr (requires { object.origin; }) object.origin = {document.file, 0, 0};
  Reader reader(document, kinds, faults);
  const std::string::size_type slash = document.file.rfind('/');
  if (slash != std::string::npos) reader.resolve_paths(document.file.substr(0, slash));
  reader.read(document.root, resource<T>(), &object);
  return finish(std::move(object), document, kinds, std::move(faults));
}

// A choice of another type keeps no options of the old one.
void change_type(Choice& choice, const Node* patch) {
  if (patch == nullptr) return;
  const Node* type = patch->kind == Node::Kind::map ? patch->find("type") : patch;
  if (type != nullptr && type->kind == Node::Kind::text && type->scalar != choice.name) {
    choice = {.name = type->scalar, .options = {}};
  }
}

void prepare(Pool& pool, const Node& patch) {
  change_type(pool.algorithm, patch.find("algorithm"));
  change_type(pool.health_check.checker, patch.find("health_check"));
  change_type(pool.sticky.method, patch.find("sticky"));
}
void prepare(auto&, const Node&) {}

// A patch may turn a map into its short form (`health_check: off`), which a merge would replace; as a map it merges.
void expand_off(Node& patch, std::string_view key) {
  for (Member& member : patch.members) {
    bool off = member.value.is_scalar() && (member.value.scalar == "off" || member.value.scalar == "false");
    bool on = member.value.kind == Node::Kind::literal && member.value.scalar == "true";
    if (member.key != key || !(off || on)) continue;
    member.value = Node::of_map();
    member.value.set("enabled", Node::of_literal(on ? "true" : "false"));
  }
}

template <typename T>
std::expected<T, Faults> patch_object(T object, std::string_view json, const Kinds& kinds) {
  Document patch = parse_json(json, kApi);
  if (!patch.complete || !patch.faults.empty()) return std::unexpected(std::move(patch.faults));
  if (patch.root.kind != Node::Kind::map) {
    return std::unexpected(Faults{{{kApi, 0, 0}, "", "must be an object with the members to change"}});
  }
  Origin origin = object.origin;
  prepare(object, patch.root);
  expand_off(patch.root, "health_check");
  Document merged{.file = kApi, .root = write_resource(resource<T>(), &object, {}), .faults = {}, .complete = true};
  if (patch.root.find("address") != nullptr) {  // in place of host and port
    std::erase_if(merged.root.members, [](const Member& old) { return old.key == "host" || old.key == "port"; });
  }
  merge_patch(merged.root, patch.root);
  // Taking away a key that does not exist is an error, as setting it is.
  for (const Member& member : patch.root.members) {
    bool is_unknown = std::ranges::find(resource<T>().fields, member.key, &Field::key) == resource<T>().fields.end();
    if (member.value.kind == Node::Kind::null && is_unknown) merged.root.set(member.key, Node());
  }
  std::expected<T, Faults> changed = read_object<T>(std::move(merged), kinds);
  if (changed) changed->origin = std::move(origin);
  return changed;
}

}  // namespace

std::expected<Config, Faults> read_yaml(std::string_view text, const std::string& file_name, const Kinds& kinds) {
  return read_object<Config>(parse_yaml(text, file_name), kinds);
}

std::expected<Config, Faults> read_file(const std::string& path, const Kinds& kinds) {
  auto fail = [&](std::string message) { return std::unexpected(Faults{{{path, 0, 0}, "", std::move(message)}}); };
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return fail(fmt::format("cannot be read: {}", std::strerror(errno)));
  if (!S_ISREG(status.st_mode)) return fail("cannot be read: it is not a regular file");
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(fmt::format("cannot be read: {}", std::strerror(errno)));
  // One byte more than allowed tells a file that is too large from one that just fits, whatever stat() said.
  std::string text(std::min<std::size_t>(static_cast<std::size_t>(status.st_size), kMaxFileBytes) + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) return fail("cannot be read to its end");
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > kMaxFileBytes) return fail(fmt::format("is larger than {} MB", kMaxFileBytes >> 20));
  Document document = parse_yaml(text, path);
  // A file cut off to nothing must not take every listener down, whatever marks and comments are left of it.
  bool says_nothing = document.complete && document.faults.empty() && document.root.kind == Node::Kind::null;
  if (says_nothing) return fail("is empty: it names no listener and no pool; `{}` says so on purpose");
  return read_object<Config>(std::move(document), kinds);
}

Config built_in_config(const Kinds& kinds) {
  Document document = parse_yaml(
      "listeners: [{name: web, address: '*:8080', pool: default}]\n"
      "pools: [{name: default, health_check: {type: http, path: /health}}]\n",
      kApi);
  Faults faults;
  Config config;
  Reader reader(document, kinds, faults);
  reader.read(document.root, resource<Config>(), &config);
  for (Listener& listener : config.listeners) listener.origin = {kApi, 0, 0};
  for (Pool& pool : config.pools) pool.origin = {kApi, 0, 0};
  return config;
}

std::expected<Pool, Faults> read_pool(std::string_view json, const Kinds& kinds) {
  return read_object<Pool>(parse_json(json, kApi), kinds);
}
std::expected<Listener, Faults> read_listener(std::string_view json, const Kinds& kinds) {
  return read_object<Listener>(parse_json(json, kApi), kinds);
}
std::expected<Route, Faults> read_route(std::string_view json, const Kinds& kinds) {
  return read_object<Route>(parse_json(json, kApi), kinds);
}

std::expected<PoolBackend, Faults> read_backend(std::string_view json, const Kinds& kinds) {
  Document document = parse_json(json, kApi);
  PoolBackend result;
  Faults pool_faults;
  std::erase_if(document.root.members, [&](const Member& member) {
    if (member.key != "pool") return false;
    Reader reader(document, kinds, pool_faults);
    Reader::In in(reader, "pool");
    if (auto name = reader.text(member.value, {})) result.pool = std::move(*name);
    return true;
  });
  std::expected<Backend, Faults> backend = read_object<Backend>(std::move(document), kinds);
  if (!backend) pool_faults.insert(pool_faults.end(), backend.error().begin(), backend.error().end());
  if (!pool_faults.empty()) return std::unexpected(std::move(pool_faults));
  result.backend = std::move(*backend);
  return result;
}

std::expected<Pool, Faults> patch_pool(const Pool& pool, std::string_view json, const Kinds& kinds) {
  return patch_object(pool, json, kinds);
}
std::expected<Listener, Faults> patch_listener(const Listener& listener, std::string_view json, const Kinds& kinds) {
  return patch_object(listener, json, kinds);
}
std::expected<Route, Faults> patch_route(const Route& route, std::string_view json, const Kinds& kinds) {
  return patch_object(route, json, kinds);
}
std::expected<Backend, Faults> patch_backend(const Backend& backend, std::string_view json, const Kinds& kinds) {
  return patch_object(backend, json, kinds);
}

}  // namespace weir::config
