#include <algorithm>
#include <fmt/format.h>
#include <string>

#include "config/sticky.h"
#include "config/sticky_fields.h"
#include "config/text_rules.h"

namespace weir::config {
namespace {

using Methods = std::span<const KindEntry>;

bool has_option(const KindEntry* method, std::string_view key) {
  return method != nullptr && std::ranges::find(method->options, key, &OptionSpec::key) != method->options.end();
}

bool has_option(Methods methods, std::string_view key) {
  return std::ranges::any_of(methods, [&](const KindEntry& method) { return has_option(&method, key); });
}

// "`type: cookie` or `type: header`": the methods that have the option.
std::string types_with(Methods methods, std::string_view key) {
  std::string out;
  for (const KindEntry& method : methods) {
    if (has_option(&method, key)) out += fmt::format("{}`type: {}`", out.empty() ? "" : " or ", method.name);
  }
  return out;
}

// The map without options that only other methods have. In a file they are errors. The API merges patches into what it
// has shown or stored, in earlier versions the options of all methods; and `off` needs none.
Node without_other_options(Reader& reader, const Node& map, Methods methods, const KindEntry* chosen) {
  Node kept = map;
  std::erase_if(kept.members, [&](const Member& member) {
    if (member.key == "type" || has_option(chosen, member.key) || !has_option(methods, member.key)) return false;
    if (chosen != nullptr && !reader.of_api()) {
      Reader::In in(reader, member.key);
      reader.fault(member.line, member.column,
                   fmt::format("is an option of {} only; remove it", types_with(methods, member.key)));
    }
    return true;
  });
  return kept;
}

void read_method(Reader& reader, const Node& written, const Node* type, Sticky& sticky) {
  Reader::In in(reader, "sticky");
  Methods methods = reader.kinds()["methods"].entries;
  const KindEntry* chosen = find_entry(methods, type == nullptr ? sticky.method.name : type->scalar);
  bool is_map = written.kind == Node::Kind::map;
  reader.read(is_map ? without_other_options(reader, written, methods, chosen) : written, resource<Sticky>(), &sticky);
}

// The error of options without a type. In `{query: uid}` a type was taken for a key.
std::string why_no_type(const Node& options, Methods methods) {
  for (const Member& member : options.members) {
    const KindEntry* method = find_entry(methods, member.key);
    if (method == nullptr) continue;
    bool is_name =
        has_option(method, "name") && (member.value.kind == Node::Kind::plain || member.value.kind == Node::Kind::text);
    return fmt::format("has no type; {0} is one: write `sticky: {{type: {1}{2}}}`", quoted(member.key), method->name,
                       is_name ? fmt::format(", name: {}", quoted(member.value.scalar)) : "");
  }
  return fmt::format("has options but no type; write `type: {}`", kUsualMethod);
}

void read_ttl(Reader& reader, const Node& written, Sticky& sticky) {
  Reader::In in(reader, "sticky_ttl");
  std::optional<Duration> ttl = reader.duration(written, kStickyTtl);
  if (!ttl || !sticky.is_on()) return;
  Methods methods = reader.kinds()["methods"].entries;
  if (set_sticky_ttl(sticky, *ttl, methods) || reader.of_api()) return;
  reader.fault(written, fmt::format("only {} has a ttl; remove it", types_with(methods, "ttl")));
}

}  // namespace

void read_stickiness(Reader& reader, const Node& pool, void* object) {
  Sticky& sticky = static_cast<Pool*>(object)->sticky;
  const Node* own = pool.find("sticky");
  const Node* type = own != nullptr && own->kind == Node::Kind::map ? own->find("type") : own;
  const Node* sessions = pool.find("sticky_sessions");
  const Node* ttl = pool.find("sticky_ttl");
  if (type == nullptr && sessions == nullptr) {
    if (own != nullptr && !own->members.empty()) {
      Reader::In in(reader, "sticky");
      reader.fault(*own, why_no_type(*own, reader.kinds()["methods"].entries));
    } else if (ttl != nullptr) {
      Reader::In in(reader, "sticky_ttl");
      reader.fault(*ttl,
                   fmt::format("turns nothing on by itself; write `sticky: {{type: {}, ttl: ...}}`", kUsualMethod));
    }
    return;
  }
  std::optional<bool> on;
  if (sessions != nullptr) {
    Reader::In in(reader, "sticky_sessions");
    on = reader.boolean(*sessions);
  }
  Methods methods = reader.kinds()["methods"].entries;
  if (on == true) turn_on(sticky, methods);
  if (own != nullptr) read_method(reader, *own, type, sticky);
  if (on == true && !sticky.is_on()) turn_on(sticky, methods);
  if (on == false && sticky.is_on()) {
    Reader::In in(reader, "sticky_sessions");
    if (!reader.of_api()) reader.fault(*sessions, "contradicts `sticky`; remove one of them");
    sticky = {};
  }
  if (ttl != nullptr) read_ttl(reader, *ttl, sticky);
}

void turn_on(Sticky& sticky, Methods methods) {
  const KindEntry* method = find_entry(methods, kUsualMethod);
  if (method != nullptr) sticky.method = default_choice(*method);
}

bool set_sticky_ttl(Sticky& sticky, Duration ttl, Methods methods) {
  if (!has_option(find_entry(methods, sticky.method.name), "ttl")) return false;
  sticky.method.options.insert_or_assign("ttl", ttl);
  return true;
}

template <>
const Resource& resource<Sticky>() {
  static constexpr Resource kResource{
      .name = "sticky",
      .summary = "how a client stays with its backend: `type` and the options of that type, only the type, or off",
      .fields = {},
      .short_key = "type",
      .choice = [](void* object) { return &static_cast<Sticky*>(object)->method; },
      .kind = "methods",
      .implied_type = kUsualMethod,
      .may_be_off = true,
      .defaults = defaults_of<Sticky>};
  return kResource;
}

}  // namespace weir::config
