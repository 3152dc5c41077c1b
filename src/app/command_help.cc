// `weir help TOPIC`: everything that a configuration may name, from the tables that read it.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <map>
#include <span>
#include <variant>

#include "app/command_config.h"
#include "app/text_table.h"
#include "app/weir.h"
#include "config/document.h"
#include "config/fields.h"
#include "config/json.h"

namespace weir::app {
namespace {

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

std::string entries_text(std::string_view what, std::span<const config::KindEntry> entries) {
  std::string out = fmt::format("{}\n", what);
  for (const config::KindEntry& entry : entries) {
    out += fmt::format("\n  {}\n      {}\n", entry.name, entry.summary);
    for (const config::OptionSpec& option : entry.options) {
      out += fmt::format("      {}: {} (default {})\n", option.key, option.summary, value_text(option.default_value));
    }
  }
  return out;
}

// What the reader takes when the key is not written, or empty.
std::string default_text(const config::Resource& resource, const config::Field& field) {
  if (field.rules.required) return " (required)";
  if (resource.defaults == nullptr || field.write == nullptr) return "";
  config::Node node = field.write(resource.defaults(), field, {});
  std::string text = config::print_json(node, false);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  if (text.empty() || text == "null" || text.starts_with('{') || text == "[]" || text == "\"\"") return "";
  return fmt::format(" (default {})", text);
}

std::string resource_text(std::string_view where, const config::Resource& resource) {
  std::string out = fmt::format("\n{}: {}\n", where, resource.summary);
  for (const config::Field& field : resource.fields) {
    if (field.key == "origin") continue;  // written by the API, not by people
    out += fmt::format("  {:<20} {}{}\n", field.key, field.summary, default_text(resource, field));
  }
  return out;
}

std::string config_text() {
  using config::resource;
  std::string out =
      "The configuration file is YAML. Durations are written 500ms, 5s, 1h; sizes 16KB, 1MB.\n"
      "Every key, with what it is when it is not written; `weir schema` prints the same as JSON Schema.\n";
  out += resource_text("top level", resource<config::Config>());
  out += resource_text("admin", resource<config::Admin>());
  out += resource_text("admin.tokens[]", resource<config::AdminToken>());
  out += resource_text("access_log", resource<config::AccessLog>());
  out += resource_text("timeouts", resource<config::Timeouts>());
  out += resource_text("sticky_secret", resource<config::StickySecret>());
  out += resource_text("listeners[]", resource<config::Listener>());
  out += resource_text("listeners[].limits", resource<config::Limits>());
  out += resource_text("listeners[].routes[]", resource<config::Route>());
  out += resource_text("listeners[].routes[].match", resource<config::Match>());
  out += resource_text("listeners[].routes[].redirect", resource<config::Redirect>());
  out += resource_text("listeners[].routes[].respond", resource<config::FixedResponse>());
  out += resource_text("listeners[].routes[].rewrite", resource<config::Rewrite>());
  out += resource_text("listeners[].routes[].request_headers, response_headers", resource<config::HeaderChanges>());
  out += resource_text("pools[]", resource<config::Pool>());
  out += resource_text("pools[].sticky", resource<config::Sticky>());
  out += resource_text("pools[].health_check", resource<config::HealthCheck>());
  out += resource_text("pools[].retries", resource<config::Retries>());
  out += resource_text("pools[].connections", resource<config::UpstreamConnections>());
  out += resource_text("pools[].backends[]", resource<config::Backend>());
  return out;
}

}  // namespace

std::string help_text(const std::string& topic) {
  config::Kinds all = kinds();
  if (topic == "strategies") return entries_text("pools[].algorithm: how a pool picks a backend", all.strategies);
  if (topic == "checkers") return entries_text("pools[].health_check.type: how backends are probed", all.checkers);
  if (topic == "stores") return entries_text("store.type: where objects made through the API live", all.stores);
  return config_text();
}

}  // namespace weir::app
