// Filters of listeners and routes.
#include <algorithm>
#include <fmt/format.h>

#include "config/filter_fields.h"

namespace weir::config {
namespace {

constexpr std::string_view kKind = "filters";

bool is_off(const Node& node) {
  return node.is_scalar() && (node.scalar == kOff || node.scalar == "false" || node.scalar == "False");
}

void read_filter(Reader& reader, const Node& node, const KindEntry& entry, FilterSetting& setting) {
  if (is_off(node)) return;
  if (node.kind == Node::Kind::null) {
    reader.fault(node, "says nothing; write its options, `{}` for their defaults, or `off`");
    return;
  }
  if (node.kind != Node::Kind::list) {
    reader.read_options(node, entry, setting.choices.emplace_back());
    return;
  }
  if (!entry.traits.several) {
    reader.fault(
        node, fmt::format("must be a map of options, such as {}: there is one {} at a time", entry.sample, entry.name));
    return;
  }
  if (node.items.empty()) reader.fault(node, "must not be empty; write `off` for none");
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    Reader::In in(reader, i);
    reader.read_options(node.items[i], entry, setting.choices.emplace_back());
  }
}

Node write_one(const Choice& choice) {
  Node map = Node::of_map();
  write_options(choice, map);
  return map;
}

}  // namespace

void read_filters(Reader& reader, const Node& node, Filters& filters) {
  filters.settings.clear();
  std::span<const KindEntry> entries = reader.kinds()[kKind].entries;
  if (node.kind != Node::Kind::map && node.kind != Node::Kind::null) {
    reader.fault(node, "must be a map of filters and their options; `weir help filters` lists them");
  }
  for (const Member& member : node.members) {
    Reader::In in(reader, member.key);
    const KindEntry* entry = find_entry(entries, member.key);
    if (entry == nullptr) {
      std::vector<std::string_view> known;
      for (const KindEntry& each : entries) known.push_back(each.name);
      reader.fault(member.line, member.column,
                   fmt::format("unknown filter {}{}", quoted(member.key), hint(member.key, known)));
      continue;
    }
    FilterSetting& setting = filters.settings.emplace_back();
    setting.name = member.key;
    read_filter(reader, member.value, *entry, setting);
  }
  std::ranges::sort(filters.settings, {},
                    [&](const FilterSetting& setting) { return find_entry(entries, setting.name); });
}

Node write_filters(const Filters& filters) {
  if (filters.settings.empty()) return {};
  Node map = Node::of_map();
  for (const FilterSetting& setting : filters.settings) {
    Node value = Node::of_text(kOff);
    if (setting.choices.size() == 1) value = write_one(setting.choices.front());
    if (setting.choices.size() > 1) {
      value = Node::of_list();
      for (const Choice& choice : setting.choices) value.items.push_back(write_one(choice));
    }
    map.set(setting.name, std::move(value));
  }
  return map;
}

Node filters_schema(SchemaBuilder& builder) { return builder.filters(kKind); }

}  // namespace weir::config
