// The commands about configuration, none of which runs anything: check, schema, explain, help.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/explain.h"
#include "config/config.h"
#include "config/fault.h"

namespace weir::app {

inline constexpr const char* kDefaultConfigPath = "/etc/weir/weir.yaml";

// The input of a command: the file, or config::built_in_config() with an empty path when none was named and `fallback`
// does not exist.
struct LoadedConfig {
  std::string path;
  config::Config config;
};
// `path` is empty when the command line names no file. Every fault has been printed to stderr when there is nothing.
std::optional<LoadedConfig> load_config(const std::string& path, const std::string& fallback = kDefaultConfigPath);

// Each prints its answer to stdout, what is wrong to stderr, and returns the exit code.
int check_config(const std::string& path);
int explain_request(const std::string& config_path, const ExplainRequest& request);
int print_schema();
int print_version();
std::string version_text();
// `topic` as for help_text().
int print_help(const std::string& topic, const std::string& section = {});

// The topics of help_text().
struct HelpTopic {
  std::string_view name;
  std::string_view summary;
};
std::vector<HelpTopic> help_topics();

// The help on a topic, from the tables that read a configuration: the entries of a kind by its name, or "config" for
// every key, or with `section` ("listeners") those of one section and what is in it; empty when there is none. Also
// "variables".
std::string help_text(const std::string& topic, const std::string& section = {});

}  // namespace weir::app
