#include "config/json.h"

#include <fmt/format.h>

#include "config/document.h"
#include "config/fields.h"

namespace weir::config {
Node write_option(const OptionValue& value) {
  struct Write {
    Node operator()(bool flag) const { return Node::of_literal(flag ? "true" : "false"); }
    Node operator()(std::int64_t number) const { return Node::of_literal(fmt::to_string(number)); }
    Node operator()(double number) const { return Node::of_literal(fmt::format("{}", number)); }
    Node operator()(const std::string& text) const { return Node::of_text(text); }
    Node operator()(Duration duration) const { return Node::of_text(duration_text(duration)); }
    Node operator()(const std::vector<std::string>& texts) const {
      Node list = Node::of_list();
      for (const std::string& text : texts) list.items.push_back(Node::of_text(text));
      return list;
    }
    Node operator()(const std::map<std::string, std::string>& texts) const {
      Node map = Node::of_map();
      for (const auto& [key, text] : texts) map.set(key, Node::of_text(text));
      return map;
    }
  };
  return std::visit(Write{}, value);
}

namespace {

template <typename S>
std::string print(const S& object, JsonOptions options) {
  Node map = write_resource(resource<S>(), &object, {.origin = options.origin});
  return print_json(map, options.pretty);
}

}  // namespace

void write_choice(const Choice& choice, Node& map) {
  map.set("type", Node::of_text(choice.name.empty() ? kOff : choice.name));
  write_options(choice, map);
}

void write_options(const Choice& choice, Node& map) {
  for (const auto& [key, value] : choice.options) {
    Node* into = &map;
    std::string_view rest = key;
    for (auto dot = rest.find('.'); dot != rest.npos; dot = rest.find('.')) {
      std::string_view name = rest.substr(0, dot);
      if (into->find(name) == nullptr) into->set(name, Node::of_map());
      // The accessor of maps is for readers; this map is being made here.
      into = const_cast<Node*>(into->find(name));
      rest.remove_prefix(dot + 1);
    }
    into->set(rest, write_option(value));
  }
}

Node write_origin(const Origin& origin, WriteOptions options) {
  if (!options.origin) return {};
  Node map = Node::of_map();
  map.set("file", Node::of_text(origin.file));
  if (origin.line > 0) {
    map.set("line", Node::of_literal(fmt::to_string(origin.line)));
    map.set("column", Node::of_literal(fmt::to_string(origin.column)));
  }
  return map;
}

Node write_resource(const Resource& resource, const void* object, WriteOptions options) {
  Node map = Node::of_map();
  // The accessor takes a changeable object because the reader needs one; nothing is changed here.
  if (resource.choice != nullptr) write_choice(*resource.choice(const_cast<void*>(object)), map);
  for (const Field& field : resource.fields) {
    if (field.write == nullptr) continue;
    Node value = field.write(object, field, options);
    if (value.kind != Node::Kind::null) map.set(field.key, std::move(value));
  }
  return map;
}

std::string to_json(const Config& config, JsonOptions options) { return print(config, options); }
std::string to_json(const Pool& pool, JsonOptions options) { return print(pool, options); }
std::string to_json(const Listener& listener, JsonOptions options) { return print(listener, options); }
std::string to_json(const Route& route, JsonOptions options) { return print(route, options); }
std::string to_json(const Backend& backend, JsonOptions options) { return print(backend, options); }

std::string_view name(ListenerProtocol protocol) {
  return value_names<ListenerProtocol>()[static_cast<std::size_t>(protocol)];
}
std::string_view name(TokenRole role) { return value_names<TokenRole>()[static_cast<std::size_t>(role)]; }

}  // namespace weir::config
