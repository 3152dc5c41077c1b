#include "config/reader.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <ranges>

#include "base/assert.h"
#include "base/text.h"

namespace weir::config {
const Kind& Kinds::operator[](std::string_view name) const {
  auto found = std::ranges::find(all_, name, &Kind::name);
  WEIR_ASSERT(found != all_.end());
  return *found;
}

const KindEntry* find_entry(std::span<const KindEntry> entries, std::string_view name) {
  auto found = std::ranges::find(entries, name, &KindEntry::name);
  return found == entries.end() ? nullptr : &*found;
}

Choice default_choice(const KindEntry& entry) {
  Choice choice{.name = std::string(entry.name), .options = {}};
  for (const OptionSpec& spec : entry.options) {
    if (!spec.is_optional) choice.options.emplace(spec.key, spec.default_value);
  }
  return choice;
}

namespace {

// Whether people may write the key in this resource.
bool has_key(const Resource& resource, const Kinds& kinds, std::string_view key) {
  auto is_it = [&](const Field& field) { return field.key == key && field.schema != nullptr; };
  if (std::ranges::any_of(resource.fields, is_it)) return true;
  if (resource.kind.empty()) return false;
  return std::ranges::any_of(kinds[resource.kind].entries, [&](const KindEntry& entry) {
    return std::ranges::find(entry.options, key, &OptionSpec::key) != entry.options.end();
  });
}

}  // namespace

std::string quoted(std::string_view text) {
  constexpr std::size_t kLongest = 60;
  std::string out = "'";
  base::append_json_escaped(out, text.substr(0, kLongest));
  return out + (text.size() > kLongest ? "...'" : "'");
}

std::string hint(std::string_view word, std::span<const std::string_view> known) {
  std::string_view near = base::nearest(word, known);
  if (!near.empty()) return fmt::format("; did you mean '{}'?", near);
  return known.empty() ? "" : fmt::format("; known are {}", fmt::join(known, ", "));
}

std::string Reader::path() const {
  std::string out;
  for (const Segment& segment : path_) {
    if (segment.key.data() == nullptr) {
      out += fmt::format("[{}]", segment.index);
    } else {
      if (!out.empty()) out += '.';
      out += segment.key;
    }
  }
  return out;
}

void Reader::fault(const Node& at, std::string message) { fault(at.line, at.column, std::move(message)); }

void Reader::fault(int line, int column, std::string message) {
  faults_.push_back({{file_, line, column}, path(), std::move(message)});
}

void Reader::missing(const Node& map, std::string_view key, std::string_view what) {
  In in(*this, key);
  fault(map, fmt::format("the key '{}' is missing: {}", key, what));
}

void Reader::read(const Node& node, const Resource& resource, void* object) {
  if (node.kind != Node::Kind::map) {
    if (!read_in_place(node, resource, object)) {
      auto keys = resource.fields | std::views::transform(&Field::key);
      fault(node, resource.fields.empty()
                      ? "must be a name, or a map of `type` and its options"
                      : fmt::format("must be a map with keys such as {}", fmt::join(keys | std::views::take(4), ", ")));
    }
    return;
  }
  std::size_t faults_before = faults_.size();
  const KindEntry* entry = nullptr;
  Choice* choice = resource.choice == nullptr ? nullptr : resource.choice(object);
  if (choice != nullptr) entry = read_type(node, *choice, resource);
  bool type_unknown = choice != nullptr && faults_.size() > faults_before;

  std::uint64_t seen = 0;
  for (const Member& member : node.members) {
    In in(*this, member.key);
    auto field = std::ranges::find(resource.fields, member.key, &Field::key);
    if (field != resource.fields.end()) {
      seen |= std::uint64_t{1} << (field - resource.fields.begin());
      field->read(*this, member.value, object, *field);
    } else if (choice != nullptr && member.key == "type") {
      continue;
    } else if (const OptionSpec* spec = find_option(entry, member.key)) {
      read_option(member.value, *spec, *choice);
    } else if (!type_unknown) {
      unknown_key(member, resource, entry);
    }
  }
  for (const Field& field : resource.fields) {
    if ((seen >> (&field - resource.fields.data()) & 1) != 0) continue;
    if (field.rules.required) missing(node, field.key, field.summary);
    if (field.absent != nullptr) field.absent(*this, object, field);
  }
  if (choice != nullptr) {
    complete_choice(*choice, resource.kind);
    if (entry != nullptr) report_option_faults(node, *entry, *choice);
  }
  if (resource.finish != nullptr) resource.finish(*this, node, object);
}

// Reads what stands for a map: a scalar for the short key, `off`, or nothing at all for an empty map.
bool Reader::read_in_place(const Node& node, const Resource& resource, void* object) {
  Node map = Node::of_map();
  map.line = node.line;
  map.column = node.column;
  bool plain = node.kind == Node::Kind::plain || node.kind == Node::Kind::literal;
  bool off = node.scalar == "off" || node.scalar == "false" || node.scalar == "False" || node.scalar == "FALSE";
  bool on = plain && (node.scalar == "true" || node.scalar == "True" || node.scalar == "TRUE");
  if (node.kind == Node::Kind::null) {
    // `admin:` with nothing under it.
  } else if (node.is_scalar() && !resource.off_key.empty() && (off || on)) {
    map.set(resource.off_key, Node::of_literal(off ? "false" : "true"));
  } else if (node.is_scalar() && !resource.short_key.empty()) {
    map.set(resource.short_key, node);
  } else {
    return false;
  }
  read(map, resource, object);
  return true;
}

void Reader::complete(const Resource& resource, void* object) {
  for (const Field& field : resource.fields) {
    if (field.absent != nullptr) field.absent(*this, object, field);
  }
  if (resource.choice != nullptr) complete_choice(*resource.choice(object), resource.kind);
}

void Reader::unknown_key(const Member& member, const Resource& resource, const KindEntry* entry) {
  auto refused = std::ranges::find(resource.refused, member.key, &RefusedKey::key);
  if (refused != resource.refused.end()) {
    fault(member.line, member.column, std::string(refused->reason));
    return;
  }
  if (member.key.starts_with("x-")) {
    // Keys that hold anchors, and notes for other programs.
    if (resource.takes_notes && !of_api()) return;
    if (!resource.hint_at_header.empty()) {
      fault(member.line, member.column,
            fmt::format("{} is no key here; {}", quoted(member.key),
                        fmt::format(fmt::runtime(resource.hint_at_header), member.key.substr(0, 60))));
      return;
    }
  }
  if (std::string place = place_of_key(resource, member.key); !place.empty()) {
    fault(member.line, member.column,
          fmt::format("unknown key {} here; it belongs into {}", quoted(member.key), place));
    return;
  }
  std::vector<std::string_view> known;
  const KindEntry* implied =
      resource.implied_type.empty() ? nullptr : find_entry(kinds_[resource.kind].entries, resource.implied_type);
  if (find_option(implied, member.key) != nullptr) implied = nullptr;  // another type was asked for
  for (const KindEntry* candidate : {entry, implied == entry ? nullptr : implied}) {
    if (candidate == nullptr) continue;
    for (const OptionSpec& spec : candidate->options) known.push_back(spec.key);
  }
  if (resource.choice != nullptr) known.push_back("type");
  for (const Field& field : resource.fields) {
    if (field.schema != nullptr) known.push_back(field.key);
  }
  fault(member.line, member.column, fmt::format("unknown key {}{}", quoted(member.key), hint(member.key, known)));
}

// Where a key that is written too high belongs: "`pools[]`" or "`pools[].backends[]`"; empty when that is nowhere, or
// in several places. The resources held by `resource` itself come before those that they hold.
std::string Reader::place_of_key(const Resource& resource, std::string_view key) const {
  struct Held {
    const Resource* resource;
    std::string path;
  };
  std::vector<Held> level{{&resource, ""}};
  for (int depth = 0; depth < 2; ++depth) {
    std::vector<Held> below;
    std::string found;
    for (const Held& each : level) {
      for (const Field& field : each.resource->fields) {
        if (field.inner == nullptr || field.schema == nullptr) continue;
        std::string path = each.path + (each.path.empty() ? "" : ".") + std::string(field.key);
        if (field.is_list) path += "[]";
        if (has_key(field.inner(), kinds_, key)) found += (found.empty() ? "`" : "` or `") + path;
        below.push_back({&field.inner(), std::move(path)});
      }
    }
    if (!found.empty()) return found + "`";
    level = std::move(below);
  }
  return {};
}

const KindEntry* Reader::find_type(const Node& at, std::string_view name, const Resource& resource) {
  const Kind& kind = kinds_[resource.kind];
  std::span<const KindEntry> all = kind.entries;
  if (const KindEntry* entry = find_entry(all, name)) return entry;
  std::vector<std::string_view> names;
  if (resource.may_be_off) names.emplace_back(kOff);
  for (const KindEntry& entry : all) names.push_back(entry.name);
  std::string_view near = base::nearest(name, names);
  std::string guess = near.empty() ? "" : fmt::format("did you mean '{}'? ", near);
  fault(at, fmt::format("unknown {} {}; {}known are {}", kind.word, quoted(name), guess, fmt::join(names, ", ")));
  return nullptr;
}

const KindEntry* Reader::read_type(const Node& map, Choice& choice, const Resource& resource) {
  std::span<const KindEntry> all = kinds_[resource.kind].entries;
  const Node* type = map.find("type");
  if (type == nullptr) {
    const KindEntry* usual = find_entry(all, choice.name);
    const KindEntry* implied = find_entry(all, resource.implied_type);
    bool is_implied = std::ranges::any_of(map.members, [&](const Member& member) {
      return find_option(usual, member.key) == nullptr && find_option(implied, member.key) != nullptr;
    });
    if (!is_implied) return usual;
    choice = {.name = std::string(implied->name), .options = {}};
    return implied;
  }
  In in(*this, "type");
  std::optional<std::string> name = text(*type, {});
  if (!name) return nullptr;
  if (resource.may_be_off && *name == kOff) {
    choice = {};
    return nullptr;
  }
  const KindEntry* entry = find_type(*type, *name, resource);
  if (entry != nullptr && choice.name != *name) choice = {.name = *name, .options = {}};
  return entry;
}

}  // namespace weir::config
