// `weir help TOPIC`: everything that a configuration may name, from the tables that read it.
#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <map>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include "app/command_config.h"
#include "app/weir.h"
#include "config/document.h"
#include "config/json.h"
#include "config/schema.h"
#include "config/template_text.h"

namespace weir::app {
namespace {

using config::Node;

std::string value_text(const config::OptionValue& value) {
  struct Writer {
    std::string operator()(bool v) const { return v ? "true" : "false"; }
    std::string operator()(std::int64_t v) const { return fmt::format("{}", v); }
    std::string operator()(double v) const { return fmt::format("{}", v); }
    std::string operator()(const std::string& v) const { return v.empty() ? "\"\"" : v; }
    std::string operator()(config::Duration v) const { return config::duration_text(v); }
    std::string operator()(const std::vector<std::string>& v) const { return fmt::format("[{}]", fmt::join(v, ", ")); }
    std::string operator()(const std::map<std::string, std::string>&) const { return "{}"; }
  };
  return std::visit(Writer{}, value);
}

std::string kind_text(const config::Kind& kind) {
  std::string out = fmt::format("{}: {}\n", kind.place, kind.summary);
  for (const config::KindEntry& entry : kind.entries) {
    out += fmt::format("\n  {}\n      {}\n", entry.name, entry.summary);
    if (!entry.sample.empty()) out += fmt::format("      {}: {}\n", entry.name, entry.sample);
    for (const config::OptionSpec& option : entry.options) {
      std::string by_default = option.is_optional ? "" : fmt::format(" (default {})", value_text(option.default_value));
      out += fmt::format("      {}: {}{}\n", option.key, option.summary, by_default);
    }
  }
  return out;
}

// The line, broken where it would be wider than a terminal; what follows stands below the text of the first part.
std::string wrapped(std::string_view line) {
  constexpr std::size_t kWidth = 100, kIndent = 23;
  std::string out;
  std::size_t width = kWidth;
  while (line.size() > width) {
    auto space = line.rfind(' ', width);
    if (space == line.npos || (out.empty() && space <= kIndent)) break;
    out += fmt::format("{}\n{:{}}", line.substr(0, space), "", kIndent);
    line.remove_prefix(space + 1);
    width = kWidth - kIndent;
  }
  return out + std::string(line) + "\n";
}

// Every section of the configuration with its keys, taken from its JSON Schema: what that knows is never left out here.
class Sections {
 public:
  explicit Sections(const Node& schema) : definitions_(*schema.find("$defs")) {}

  // Appends the section `where`, which `definition` describes, and those inside it.
  void add(const std::string& where, const std::string& definition) {
    const Node& described = *definitions_.find(definition);
    std::string_view summary = text_of(described, "description");
    auto [first, is_new] = places_.emplace(definition, where);
    if (!is_new) {
      out_ += fmt::format("\n{}: {}; the keys of {}\n", where, summary, first->second);
      return;
    }
    out_ += fmt::format("\n{}: {}\n", where, summary);
    std::vector<const Node*> forms = with_properties(described);
    if (forms.empty()) return;
    std::vector<std::pair<std::string, std::string>> inner;
    for (const config::Member& property : forms.front()->find("properties")->members) {
      std::vector<std::string_view> choices;
      bool in_all = true;
      // `type` is described otherwise in each form: then the choices say enough.
      std::string_view description = text_of(property.value, "description");
      for (const Node* form : forms) {
        const Node* same = form->find("properties")->find(property.key);
        in_all = in_all && same != nullptr;
        if (same == nullptr) continue;
        if (text_of(*same, "description") != description) description = {};
        collect_choices(*same, choices);
      }
      if (!in_all) continue;  // an option of one type: `weir help checkers`
      std::string_view between = description.empty() || choices.size() < 2 ? "" : "; ";
      out_ += wrapped(fmt::format("  {:<20} {}{}{}{}", property.key, description, between, choices_text(choices),
                                  default_text(*forms.front(), property)));
      std::string_view list;
      if (std::string_view name = reference(property.value, list); !name.empty()) {
        std::string place = where == kTop ? property.key : fmt::format("{}.{}", where, property.key);
        inner.emplace_back(fmt::format("{}{}", place, list), std::string(name));
      }
    }
    for (const auto& [place, name] : inner) add(place, name);
  }

  std::string take() { return std::move(out_); }
  static constexpr std::string_view kTop = "top level";

 private:
  static std::string_view text_of(const Node& node, std::string_view key) {
    const Node* member = node.find(key);
    return member == nullptr ? std::string_view() : std::string_view(member->scalar);
  }

  // The forms of a map that `node` allows.
  static std::vector<const Node*> with_properties(const Node& node) {
    std::vector<const Node*> forms;
    if (node.find("properties") != nullptr) forms.push_back(&node);
    if (const Node* any = node.find("anyOf")) {
      for (const Node& form : any->items) {
        if (form.find("properties") != nullptr) forms.push_back(&form);
      }
    }
    return forms;
  }

  static void collect_choices(const Node& node, std::vector<std::string_view>& choices) {
    auto add = [&](const Node& value) {
      bool is_new = std::ranges::find(choices, value.scalar) == choices.end();
      if (value.kind == Node::Kind::text && is_new) choices.emplace_back(value.scalar);
    };
    if (const Node* values = node.find("enum")) std::ranges::for_each(values->items, add);
    if (const Node* value = node.find("const")) add(*value);
    if (const Node* items = node.find("items")) collect_choices(*items, choices);
    if (const Node* any = node.find("anyOf")) {
      for (const Node& form : any->items) collect_choices(form, choices);
    }
  }

  // One word beside a number ("auto") is its default, or said in the summary.
  static std::string choices_text(const std::vector<std::string_view>& choices) {
    return choices.size() < 2 ? std::string() : fmt::format("one of: {}", fmt::join(choices, ", "));
  }

  static std::string default_text(const Node& form, const config::Member& property) {
    if (const Node* required = form.find("required")) {
      for (const Node& key : required->items) {
        if (key.scalar == property.key) return " (required)";
      }
    }
    const Node* value = property.value.find("default");
    const Node* minimum = property.value.find("minimum");
    const bool is_none = value != nullptr && minimum != nullptr && value->scalar == "0" && minimum->scalar != "0";
    if (is_none || value == nullptr || (value->kind == Node::Kind::text && value->scalar.empty())) return {};
    return fmt::format(" (default {})", config::print_json(*value, false));
  }

  // The definition that a value refers to, whichever of its forms does; `list` is "[]" where it is one of a list.
  static std::string_view reference(const Node& node, std::string_view& list) {
    constexpr std::string_view kDefinitions = "#/$defs/";
    if (std::string_view to = text_of(node, "$ref"); to.starts_with(kDefinitions)) {
      return to.substr(kDefinitions.size());
    }
    if (const Node* items = node.find("items")) {
      list = "[]";
      return reference(*items, list);
    }
    if (const Node* any = node.find("anyOf")) {
      for (const Node& form : any->items) {
        if (std::string_view to = reference(form, list); !to.empty()) return to;
      }
    }
    return {};
  }

  const Node& definitions_;
  std::map<std::string, std::string> places_;  // of each definition, the first
  std::string out_;
};

// The sections called `name`, with or without "[]", and the sections inside them; an empty name selects all sections.
std::string sections_called(std::string_view name, std::string_view all) {
  if (name.ends_with("[]")) name.remove_suffix(2);
  if (name.empty()) return std::string(all);
  std::string out;
  while (!all.empty()) {
    auto end = all.find("\n\n", 1);
    std::string_view section = all.substr(0, end == all.npos ? end : end + 1);
    all.remove_prefix(section.size());
    std::string_view where = section.substr(1);
    if (!where.starts_with(name)) continue;
    const char next = where.substr(name.size()).front();
    if (next == ':' || next == '[' || next == '.') out += section;
  }
  return out;
}

std::string variables_text() {
  std::string out = "Variables in redirect.to, rewrite, and values of request_headers and response_headers:\n\n";
  for (std::string_view name : config::variable_names()) out += fmt::format("  {{{}}}\n", name);
  return out +
         "  {header.NAME}   the first field of that name in the request\n"
         "  {1} to {9}      in redirects: groups of match.path_regex; {0} is the whole path\n\n"
         "A redirect has no {pool} and {backend}. A brace itself is written {{. docs/routing.md says what each "
         "holds.\n";
}

std::string config_text(std::string_view section) {
  config::Document schema = config::parse_json(config::json_schema(kinds()), "schema");
  Sections sections(schema.root);
  sections.add(std::string(Sections::kTop), "config");
  if (!section.empty()) return sections_called(section, sections.take());
  std::string topics;
  for (const config::Kind& kind : kinds())
    topics += fmt::format("{}`weir help {}`", topics.empty() ? "" : ", ", kind.name);
  return fmt::format(
      "The configuration file is YAML. Durations are written 500ms, 5s, 1h; sizes 16KB, 1MB.\n"
      "Every section with its keys; `weir schema` prints the same as JSON Schema, `weir help config listeners`\n"
      "one section, and the options of each type are in\n{}.\n{}",
      topics, sections.take());
}

}  // namespace

std::vector<HelpTopic> help_topics() {
  std::vector<HelpTopic> topics{{"config", "every section and key of the configuration file"}};
  for (const config::Kind& kind : kinds()) topics.push_back({kind.name, kind.summary});
  topics.push_back({"variables", "what may be put into headers, redirects and rewrites"});
  return topics;
}

std::string help_text(const std::string& topic, const std::string& section) {
  for (const config::Kind& kind : kinds()) {
    if (kind.name == topic) return kind_text(kind);
  }
  if (topic == "variables") return variables_text();
  return config_text(section);
}

}  // namespace weir::app
