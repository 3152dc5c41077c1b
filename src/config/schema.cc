#include "config/schema.h"

#include <algorithm>
#include <fmt/format.h>

#include "config/schema_builder.h"

namespace weir::config {
namespace {

Node typed(std::string_view type) {
  Node schema = Node::of_map();
  schema.set("type", Node::of_text(type));
  return schema;
}

Node constant(std::string_view value) {
  Node schema = Node::of_map();
  schema.set("const", Node::of_text(value));
  return schema;
}

Node literal(double value) { return Node::of_literal(fmt::format("{:.15g}", value)); }

void limit(Node& schema, double min, double max) {
  schema.set("minimum", literal(min));
  if (max < 1e18) schema.set("maximum", literal(max));
}

Node pattern(std::string_view expression) {
  Node schema = typed("string");
  schema.set("pattern", Node::of_text(expression));
  return schema;
}

Node closed_map(Node properties) {
  Node schema = typed("object");
  schema.set("properties", std::move(properties));
  schema.set("additionalProperties", Node::of_literal("false"));
  return schema;
}

// Keys that the reader passes over in files (Reader::unknown_key).
void allow_notes(Node& map) {
  Node patterns = Node::of_map();
  patterns.set("^x-", Node::of_literal("true"));
  map.set("patternProperties", std::move(patterns));
}

Node text_list_of(std::string_view word) {
  Node list = Node::of_list();
  list.items.push_back(Node::of_text(word));
  return list;
}

// One of their names.
Node names_of(std::span<const KindEntry> entries) {
  Node values = Node::of_list();
  for (const KindEntry& entry : entries) values.items.push_back(Node::of_text(entry.name));
  Node names = typed("string");
  names.set("enum", std::move(values));
  return names;
}

}  // namespace

Node SchemaBuilder::boolean() const { return typed("boolean"); }

Node SchemaBuilder::integer(const Rules& rules, double type_max) const {
  Node number = typed("integer");
  limit(number, rules.min, std::min(rules.max, type_max));
  std::vector<Node> forms{std::move(number)};
  if (rules.unit == Unit::bytes) forms.push_back(pattern("^[0-9]+ *(B|KB|MB|GB)$"));
  if (!rules.word_for_zero.empty()) forms.push_back(constant(rules.word_for_zero));
  return any_of(std::move(forms));
}

Node SchemaBuilder::number(const Rules& rules) const {
  Node number = typed("number");
  limit(number, rules.min, rules.max);
  std::vector<Node> forms{std::move(number)};
  if (rules.unit == Unit::share) forms.push_back(pattern("^[0-9.]+%$"));
  return any_of(std::move(forms));
}

Node SchemaBuilder::duration() const { return pattern("^[0-9]+ *(ms|s|m|h|d)$"); }

Node SchemaBuilder::text(const Rules& rules) const {
  Node schema = typed("string");
  if (rules.allowed.empty() || rules.is_path) return schema;
  Node values = Node::of_list();
  for (std::string_view value : rules.allowed) values.items.push_back(Node::of_text(value));
  schema.set("enum", std::move(values));
  return schema;
}

Node SchemaBuilder::list(Node items, bool or_one, bool filled) const {
  Node schema = typed("array");
  schema.set("items", items);
  if (filled) schema.set("minItems", literal(1));
  if (!or_one) return schema;
  std::vector<Node> forms{std::move(items)};
  forms.push_back(std::move(schema));
  return any_of(std::move(forms));
}

Node SchemaBuilder::map_of(Node values) const {
  Node schema = typed("object");
  schema.set("additionalProperties", std::move(values));
  return schema;
}

Node SchemaBuilder::any_of(std::vector<Node> alternatives) const {
  if (alternatives.size() == 1) return std::move(alternatives.front());
  Node list = Node::of_list();
  list.items = std::move(alternatives);
  Node schema = Node::of_map();
  schema.set("anyOf", std::move(list));
  return schema;
}

Node SchemaBuilder::option(const OptionSpec& spec) const {
  Rules rules{.min = spec.min, .max = spec.max, .unit = spec.unit, .allowed = spec.allowed};
  Node schema;
  switch (spec.type) {
    case OptionType::boolean:
      schema = boolean();
      break;
    case OptionType::integer:
      schema = integer(rules, 9e18);
      break;
    case OptionType::number:
      schema = number(rules);
      break;
    case OptionType::text:
      schema = text(rules);
      break;
    case OptionType::duration:
      schema = duration();
      break;
    case OptionType::text_list:
      schema = list(any_of({text(rules), typed("number")}), true);
      break;
    case OptionType::text_map:
      schema = map_of(typed("string"));
      break;
  }
  schema.set("description", Node::of_text(spec.summary));
  if (spec.is_optional) return schema;
  Node value = write_option(spec.default_value);
  if (value.is_scalar() && !value.scalar.empty()) schema.set("default", std::move(value));
  return schema;
}

void SchemaBuilder::add_options(Node& properties, const KindEntry& entry) const {
  Node type = constant(entry.name);
  type.set("description", Node::of_text(entry.summary));
  properties.set("type", std::move(type));
  for (const OptionSpec& spec : entry.options) properties.set(spec.key, option(spec));
}

Node SchemaBuilder::options(const KindEntry& entry, std::string_view prefix) const {
  Node properties = Node::of_map();
  for (const OptionSpec& spec : entry.options) {
    if (!spec.key.starts_with(prefix)) continue;
    std::string_view key = spec.key.substr(prefix.size());
    std::string_view name = key.substr(0, key.find('.'));
    if (properties.find(name) != nullptr) continue;
    bool is_map = name.size() < key.size();
    properties.set(name, is_map ? options(entry, spec.key.substr(0, prefix.size() + name.size() + 1)) : option(spec));
  }
  return closed_map(std::move(properties));
}

Node SchemaBuilder::filters(std::string_view kind) {
  if (definitions_.find(kind) == nullptr) {
    Node properties = Node::of_map();
    for (const KindEntry& entry : kinds_[kind].entries) {
      std::vector<Node> forms{options(entry, ""), constant(kOff), Node::of_map()};
      forms.back().set("const", Node::of_literal("false"));
      if (entry.traits.several) forms.push_back(list(options(entry, ""), false, true));
      Node filter = any_of(std::move(forms));
      filter.set("description", Node::of_text(entry.summary));
      properties.set(entry.name, std::move(filter));
    }
    definitions_.set(kind, closed_map(std::move(properties)));
  }
  Node schema = Node::of_map();
  schema.set("$ref", Node::of_text(fmt::format("#/$defs/{}", kind)));
  return schema;
}

Node SchemaBuilder::choice(std::string_view kind) const {
  std::vector<Node> forms;
  for (const KindEntry& entry : kinds_[kind].entries) {
    Node properties = Node::of_map();
    add_options(properties, entry);
    Node form = closed_map(std::move(properties));
    form.set("required", text_list_of("type"));
    forms.push_back(std::move(form));
  }
  forms.insert(forms.begin(), names_of(kinds_[kind].entries));
  return any_of(std::move(forms));
}

Node SchemaBuilder::reference(const Resource& resource) { return reference(resource, {.name = resource.name}); }

Node SchemaBuilder::reference(const Resource& resource, Variant variant) {
  const std::string name(variant.name);
  if (definitions_.find(name) == nullptr) {
    definitions_.set(name, {});  // first, so that a resource may hold itself
    Node made = definition(resource, std::move(variant));
    for (Member& member : definitions_.members) {
      if (member.key != name) continue;
      member.value = std::move(made);
      break;
    }
  }
  Node schema = Node::of_map();
  schema.set("$ref", Node::of_text(fmt::format("#/$defs/{}", name)));
  return schema;
}

// As write_origin() writes it.
Node SchemaBuilder::origin() const {
  Node properties = Node::of_map();
  properties.set("file", typed("string"));
  properties.set("line", typed("integer"));
  properties.set("column", typed("integer"));
  return closed_map(std::move(properties));
}

Node SchemaBuilder::properties(const Resource& resource) {
  Node properties = Node::of_map();
  for (const Field& field : resource.fields) {
    const bool of_answers = with_origin_ && (field.key == "origin" || field.key == "warnings");
    if (field.schema == nullptr && !of_answers) continue;
    Node schema = field.schema != nullptr ? field.schema(field, *this)
                  : field.key == "origin" ? origin()
                                          : list(typed("string"), false);
    schema.set("description", Node::of_text(field.summary));
    if (field.write != nullptr && resource.defaults != nullptr && !field.rules.required && field.rules.kind.empty()) {
      Node value = field.write(resource.defaults(), field, {});
      if (value.is_scalar()) schema.set("default", std::move(value));
    }
    properties.set(field.key, std::move(schema));
  }
  return properties;
}

Node SchemaBuilder::definition(const Resource& resource, Variant variant) {
  std::vector<Node> forms;
  Node common = properties(resource);
  for (Member& member : variant.more.members) {
    std::erase_if(common.members, [&](const Member& same) { return same.key == member.key; });
    common.set(member.key, std::move(member.value));
  }
  if (resource.choice == nullptr) {
    Node map = closed_map(common);
    if (resource.takes_notes && !with_origin_) allow_notes(map);
    Node required = Node::of_list();
    for (const Field& field : resource.fields) {
      if (field.rules.required && field.key != variant.optional) required.items.push_back(Node::of_text(field.key));
    }
    if (!required.items.empty()) map.set("required", std::move(required));
    forms.push_back(std::move(map));
  }
  // One form per registered type: its options beside the common keys. Without `type` it is the default one's.
  std::span<const KindEntry> types;
  if (!resource.kind.empty()) types = kinds_[resource.kind].entries;
  for (const KindEntry& entry : types) {
    Node with_options = common;
    add_options(with_options, entry);
    Node map = closed_map(std::move(with_options));
    if (resource.takes_notes && !with_origin_) allow_notes(map);
    const auto* standard =
        resource.defaults == nullptr ? nullptr : resource.choice(const_cast<void*>(resource.defaults()));  // only read
    bool may_be_meant = (standard != nullptr && standard->name == entry.name) || entry.name == resource.implied_type;
    if (!may_be_meant) map.set("required", text_list_of("type"));
    forms.push_back(std::move(map));
  }
  for (const Field& field : resource.fields) {
    if (field.key == resource.short_key) forms.push_back(field.schema(field, *this));
  }
  if (resource.choice != nullptr && resource.short_key == "type") forms.push_back(names_of(types));
  if (resource.may_be_off) {
    Node off = Node::of_map();
    off.set("type", constant(kOff));
    off = closed_map(std::move(off));
    off.set("required", text_list_of("type"));
    forms.push_back(std::move(off));
    forms.push_back(constant(kOff));
  }
  if (!resource.off_key.empty()) {
    forms.push_back(boolean());
    forms.push_back(constant("off"));
  }
  Node schema = any_of(std::move(forms));
  schema.set("description", Node::of_text(resource.summary));
  return schema;
}

std::string json_schema(const Kinds& kinds) {
  SchemaBuilder builder(kinds);
  Node root = Node::of_map();
  root.set("$schema", Node::of_text("https://json-schema.org/draft/2020-12/schema"));
  root.set("title", Node::of_text("Configuration of Weir"));
  Node reference = builder.reference(resource<Config>());
  root.set("$ref", *reference.find("$ref"));
  root.set("$defs", builder.take_definitions());
  return print_json(root, true) + "\n";
}

}  // namespace weir::config
