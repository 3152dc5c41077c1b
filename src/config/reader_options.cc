// How a choice and its options are read.
#include <algorithm>
#include <fmt/format.h>

#include "config/reader.h"

namespace weir::config {
namespace {

// The value of "users.file": of `file` in the map `users`. Null: it was not written.
const Node* find_dotted(const Node& map, std::string_view key) {
  if (const Node* found = map.find(key)) return found;
  auto dot = key.find('.');
  const Node* inner = dot == std::string_view::npos ? nullptr : map.find(key.substr(0, dot));
  return inner == nullptr ? nullptr : find_dotted(*inner, key.substr(dot + 1));
}

// Whether an option lies in the map `prefix` ("users.").
bool has_inner(const KindEntry& entry, std::string_view prefix) {
  return std::ranges::any_of(entry.options, [&](const OptionSpec& spec) { return spec.key.starts_with(prefix); });
}

}  // namespace

void Reader::read_choice(const Node& node, Choice& choice, std::string_view kind) {
  Resource in_place{.name = "choice",
                    .summary = "",
                    .fields = {},
                    .short_key = "type",
                    .choice = [](void* object) { return static_cast<Choice*>(object); },
                    .kind = kind};
  if (node.kind == Node::Kind::map || node.is_scalar() || node.kind == Node::Kind::null) {
    read(node, in_place, &choice);
  } else {
    fault(node, "must be a name, or a map of `type` and its options");
  }
}

void Reader::complete_choice(Choice& choice, std::string_view kind) {
  const KindEntry* entry = find_entry(kinds_[kind].entries, choice.name);
  if (entry != nullptr) choice.options.merge(default_choice(*entry).options);
}

void Reader::report_option_faults(const Node& map, const KindEntry& entry, const Choice& choice) {
  if (entry.faults == nullptr) return;
  for (OptionFault& found : entry.faults(choice)) {
    In in(*this, found.key);
    const Node* written = find_dotted(map, found.key);
    fault(written == nullptr ? map : *written, std::move(found.message));
  }
}

const OptionSpec* Reader::find_option(const KindEntry* entry, std::string_view key) {
  if (entry == nullptr) return nullptr;
  auto found = std::ranges::find(entry->options, key, &OptionSpec::key);
  return found == entry->options.end() ? nullptr : &*found;
}

void Reader::read_option(const Node& node, const OptionSpec& spec, Choice& choice) {
  Rules rules{.min = spec.min, .max = spec.max, .unit = spec.unit, .allowed = spec.allowed, .is_path = spec.is_path};
  auto keep = [&](auto value) {
    if (value) choice.options.insert_or_assign(std::string(spec.key), OptionValue(std::move(*value)));
  };
  switch (spec.type) {
    case OptionType::boolean:
      return keep(boolean(node));
    case OptionType::integer:
      if (auto value = integer(node, rules, INT64_MAX)) {
        choice.options.insert_or_assign(std::string(spec.key), static_cast<std::int64_t>(*value));
      }
      return;
    case OptionType::number:
      return keep(number(node, rules));
    case OptionType::text:
      return keep(text(node, rules));
    case OptionType::duration:
      return keep(duration(node, rules));
    case OptionType::text_list:
      return keep(text_list(node, rules));
    case OptionType::text_map:
      return keep(text_map(node));
  }
}

void Reader::read_options(const Node& map, const KindEntry& entry, Choice& choice) {
  choice.name = entry.name;
  if (map.kind == Node::Kind::map) {
    read_options(map, entry, "", choice);
  } else if (map.kind != Node::Kind::null) {
    fault(map, fmt::format("must be a map of options, such as {}", entry.sample));
  }
  choice.options.merge(default_choice(entry).options);
  report_option_faults(map, entry, choice);
}

void Reader::read_options(const Node& map, const KindEntry& entry, const std::string& prefix, Choice& choice) {
  for (const Member& member : map.members) {
    In in(*this, member.key);
    std::string key = prefix + member.key;
    if (const OptionSpec* spec = find_option(&entry, key)) {
      read_option(member.value, *spec, choice);
    } else if (!has_inner(entry, key + ".")) {
      std::vector<std::string_view> known;
      for (const OptionSpec& option : entry.options) {
        if (option.key.starts_with(prefix)) known.push_back(option.key.substr(prefix.size()));
      }
      fault(member.line, member.column, fmt::format("unknown key {}{}", quoted(member.key), hint(member.key, known)));
    } else if (member.value.kind == Node::Kind::map) {
      read_options(member.value, entry, key + ".", choice);
    } else {
      fault(member.value, fmt::format("must be a map; {} looks like {}", entry.name, entry.sample));
    }
  }
}

}  // namespace weir::config
