#include "app/command_config.h"

#include <algorithm>
#include <cstdio>
#include <fmt/format.h>
#include <iterator>
#include <unistd.h>

#include "app/text_table.h"
#include "app/version.h"
#include "app/weir.h"
#include "balance/strategy.h"
#include "base/clock.h"
#include "base/log.h"
#include "config/read.h"
#include "config/schema.h"
#include "config/warnings.h"
#include "control/certificates.h"
#include "control/filters.h"
#include "control/sticky_key.h"
#include "route/dead_routes.h"

namespace weir::app {

std::optional<LoadedConfig> load_config(const std::string& path, const std::string& fallback) {
  bool use_built_in = path.empty() && access(fallback.c_str(), F_OK) != 0;
  if (use_built_in) return LoadedConfig{.path = {}, .config = config::built_in_config(kinds())};
  const std::string& file = path.empty() ? fallback : path;
  auto read = config::read_file(file, kinds());
  if (read) return LoadedConfig{.path = file, .config = std::move(*read)};
  for (const config::Fault& fault : read.error()) fmt::print(stderr, "{}\n", config::format(fault));
  return std::nullopt;
}

namespace {

// The errors of the files that the configuration at `path` names: of certificates, keys, authorities and secrets.
config::Faults check_files(const std::string& path, const config::Config& config) {
  tls::Library worker, prober;
  control::Certificates certificates(
      {.libraries = {&worker}, .probing = &prober, .unix_time = [] { return base::unix_milliseconds() / 1000; }});
  // The log is of a running Weir; what is said there of certificates, config::warnings() has with its place.
  base::set_log_level(base::LogLevel::error);
  auto effective = control::merge(config, {}, kinds());
  if (!effective) return std::move(effective.error().faults);
  config::Faults faults = certificates.prepare(*effective, control::Reading::again);
  certificates.abandon();
  control::Filters filters(1, nullptr);
  std::ranges::move(filters.prepare(*effective, control::Reading::again), std::back_inserter(faults));
  if (auto key = control::configured_sticky_key(config.sticky_secret); !key) {
    std::ranges::move(key.error(), std::back_inserter(faults));
  }
  for (config::Fault& fault : faults) {
    if (fault.at.file.empty()) fault.at.file = path;
  }
  return faults;
}

void print_warnings(const config::Config& config) {
  config::Faults warnings = config::warnings(config, kinds());
  std::ranges::move(route::dead_routes(config), std::back_inserter(warnings));
  for (config::Fault& warning : warnings) {
    warning.message.insert(0, "warning: ");
    fmt::print(stderr, "{}\n", config::format(warning));
  }
}

}  // namespace

int check_config(const std::string& path) {
  std::optional<LoadedConfig> loaded = load_config(path);
  if (!loaded) return kExitBadConfiguration;
  if (config::Faults faults = check_files(loaded->path, loaded->config); !faults.empty()) {
    for (const config::Fault& fault : faults) fmt::print(stderr, "{}\n", config::format(fault));
    return kExitBadConfiguration;
  }
  print_warnings(loaded->config);
  if (loaded->path.empty()) {
    fmt::print("there is no {}: weir run would start with its built-in configuration\n", kDefaultConfigPath);
  } else {
    fmt::print("{} is valid\n", loaded->path);
  }
  return kExitFine;
}

int explain_request(const std::string& config_path, const ExplainRequest& request) {
  std::optional<LoadedConfig> loaded = load_config(config_path);
  if (!loaded) return kExitBadConfiguration;
  auto answer = explain(loaded->config, request);
  if (!answer) {
    fmt::print(stderr, "weir: {}\n", answer.error());
    return kExitBadConfiguration;
  }
  fmt::print("{}", answer->text);
  return answer->taken ? kExitFine : kExitBadConfiguration;
}

int print_schema() {
  fmt::print("{}", config::json_schema(kinds()));
  return kExitFine;
}

std::string version_text() { return fmt::format("weir {} ({})", kVersion, kCompiler); }

int print_version() {
  fmt::print("{}\n", version_text());
  return kExitFine;
}

int print_help(const std::string& topic, const std::string& section) {
  std::string text = help_text(topic, section);
  if (text.empty()) {
    fmt::print(stderr, "weir: the configuration has no section '{}'; `weir help config` lists all\n",
               printable(section));
    return kExitBadConfiguration;
  }
  fmt::print("{}", text);
  return kExitFine;
}

}  // namespace weir::app
