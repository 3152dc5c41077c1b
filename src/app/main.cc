// The command line. What each command does is in command_*.h, demo.h and weir.h.
#include <CLI/CLI.hpp>
#include <curl/curl.h>
#include <fmt/format.h>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/command_admin.h"
#include "app/command_config.h"
#include "app/demo.h"
#include "app/text_table.h"
#include "app/weir.h"
#include "base/text.h"

namespace weir::app {
namespace {

// The arguments of the commands; each command's callback sets `code`.
struct Arguments {
  std::string config_path;
  ExplainRequest explain;
  std::string help_topic;
  std::string help_section;
  DemoOptions demo;
  AdminOptions admin;
  std::string pool;
  BackendOrder order;
  unsigned wait_seconds = 600;
  double top_seconds = 1;
  int top_rounds = 0;
  int code = kExitFine;
};

int run_weir(const std::string& path) {
  block_signals();
  std::optional<LoadedConfig> loaded = load_config(path);
  if (!loaded) return kExitBadConfiguration;
  Weir weir({.config_path = loaded->path, .config = std::move(loaded->config)});
  if (std::optional<int> failed = weir.start()) return *failed;
  return weir.run();
}

CLI::App* command(CLI::App& app, const char* name, const char* summary, Arguments& arguments,
                  std::function<int()> run) {
  CLI::App* added = app.add_subcommand(name, summary);
  added->callback([&arguments, run = std::move(run)] { arguments.code = run(); });
  return added;
}

void takes_config(CLI::App* command, Arguments& arguments) {
  command->add_option("-c,--config", arguments.config_path, "configuration file (default /etc/weir/weir.yaml)")
      ->type_name("FILE");
}

// The file also without `--config`.
void takes_file(CLI::App* command, Arguments& arguments) {
  takes_config(command, arguments);
  command->add_option("FILE", arguments.config_path, "the same as --config FILE")
      ->type_name("")
      ->excludes(command->get_option("--config"));
}

// Everything, a topic, or a command.
int help_on(const CLI::App& app, const std::string& topic, const std::string& section) {
  if (topic.empty()) {
    fmt::print("{}\nTopics of `weir help TOPIC`, beside the commands:\n",
               app.get_formatter()->make_help(&app, "weir", CLI::AppFormatMode::Normal));
    for (const HelpTopic& each : help_topics()) fmt::print("  {:<27} {}\n", each.name, each.summary);
    return kExitFine;
  }
  for (const HelpTopic& each : help_topics()) {
    if (each.name == topic) return print_help(topic, section);
  }
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (command->get_name() != topic) continue;
    fmt::print("{}", command->help("weir"));
    return kExitFine;
  }
  fmt::print(stderr, "weir: no help on '{}'; `weir help` lists commands and topics\n", printable(topic));
  return kExitBadConfiguration;
}

void add_configuration_commands(CLI::App& app, Arguments& a) {
  takes_file(command(app, "run", "run the load balancer", a, [&a] { return run_weir(a.config_path); }), a);
  takes_file(
      command(app, "check", "report every error of a configuration", a, [&a] { return check_config(a.config_path); }),
      a);
  CLI::App* explain = command(app, "explain", "show where a request would go, and why", a,
                              [&a] { return explain_request(a.config_path, a.explain); });
  takes_config(explain, a);
  explain->add_option("METHOD", a.explain.method, "GET, POST, ...")->required();
  explain->add_option("URL", a.explain.url, "http://host:port/path")->required();
  explain->add_option("-H,--header", a.explain.headers, "a header field: 'name: value'")
      ->type_name("HEADER")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  explain->add_option("--client", a.explain.client, "the address the request comes from")
      ->type_name("ADDRESS")
      ->capture_default_str();
  command(app, "schema", "print the JSON Schema of the configuration file", a, [] { return print_schema(); });
  CLI::App* help = command(app, "help", "show help on a command or topic", a,
                           [&app, &a] { return help_on(app, a.help_topic, a.help_section); });
  std::string topics;
  for (const HelpTopic& topic : help_topics()) topics += fmt::format(", {}", topic.name);
  help->add_option("TOPIC", a.help_topic, "a command, or one of " + topics.substr(2));
  help->add_option("SECTION", a.help_section, "of config: listeners, pools[].health_check, ...");
  command(app, "version", "print the version", a, [] { return print_version(); });
}

void add_demo(CLI::App& app, Arguments& a) {
  CLI::App* demo = app.add_subcommand("demo", "three sample backends and Weir in front of them");
  CLI::Option* port =
      demo->add_option("--port", a.demo.port, "of the listener")->check(CLI::Range(0, 65535))->capture_default_str();
  CLI::Option* admin = demo->add_option("--admin-port", a.demo.admin_port, "of the admin API")
                           ->check(CLI::Range(0, 65535))
                           ->capture_default_str();
  demo->add_flag("--access-log", a.demo.access_log, "print a line for every request");
  demo->callback([&a, port, admin] {
    a.demo.any_port = port->count() == 0 && admin->count() == 0;
    a.code = run_demo(a.demo);
  });
}

CLI::App* admin_command(CLI::App& app, const char* name, const char* summary, Arguments& a, std::function<int()> run) {
  CLI::App* added = command(app, name, summary, a, std::move(run));
  added->add_option("--admin", a.admin.address, "admin address: host:port or unix:/path")
      ->type_name("ADDRESS")
      ->envname("WEIR_ADMIN")
      ->capture_default_str();
  added->add_option("--token", a.admin.token, "bearer token of the admin API")
      ->type_name("TOKEN")
      ->envname("WEIR_TOKEN");
  added->add_flag("--json", a.admin.json, "print the API's own answer");
  return added;
}

CLI::App* backend_command(CLI::App& app, const char* name, const char* summary, Arguments& a,
                          int (*run)(const AdminOptions&, const BackendOrder&)) {
  CLI::App* added = admin_command(app, name, summary, a, [&a, run] {
    a.order.patience = std::chrono::seconds(a.wait_seconds);
    return run(a.admin, a.order);
  });
  added->add_option("ID", a.order.id, "of the backend, or pool/id")->required();
  added->add_option("--pool", a.order.pool, "its pool, when the id is in several");
  return added;
}

void add_admin_commands(CLI::App& app, Arguments& a) {
  admin_command(app, "status", "show the status of a running Weir", a, [&a] { return show_status(a.admin); });
  CLI::App* backends =
      admin_command(app, "backends", "list the backends, or show everything about one of them", a, [&a] {
        a.order.pool = a.pool;
        return a.order.id.empty() ? show_backends(a.admin, a.pool) : show_backend(a.admin, a.order);
      });
  backends->add_option("ID", a.order.id, "a backend, or pool/id");
  backends->add_option("--pool", a.pool, "only those of this pool");
  CLI::App* drain = backend_command(
      app, "drain", "stop sending new requests to a backend; let those in progress finish", a, drain_backend);
  drain->add_option("--drain-timeout", a.order.drain_timeout, "what is in progress may take this long")
      ->type_name("30s");
  drain->add_flag("--wait", a.order.wait, "return when nothing is in progress there");
  drain->add_option("--wait-seconds", a.wait_seconds, "give up waiting after")->capture_default_str();
  backend_command(app, "enable", "ends draining or disabling", a, enable_backend);
  backend_command(app, "disable", "no work for a backend until it is enabled", a, disable_backend);
  CLI::App* eject = backend_command(app, "eject", "no work for a backend for some time, then one request as a trial", a,
                                    eject_backend);
  eject->add_option("--duration", a.order.duration, "for how long; without it, ejection.max of its pool")
      ->type_name("60s");
  backend_command(app, "readmit", "ends an ejection without a trial", a, readmit_backend);
  CLI::App* top = admin_command(app, "top", "live view of the backends", a, [&a] {
    return show_top(a.admin, std::chrono::milliseconds(static_cast<long>(a.top_seconds * 1000)), a.top_rounds);
  });
  top->add_option("-n,--count", a.top_rounds, "end after so many tables")->check(CLI::NonNegativeNumber);
  top->add_option("-d,--delay", a.top_seconds, "seconds between two")
      ->check(CLI::Range(0.1, 3600.0))
      ->capture_default_str();
  admin_command(app, "reload", "read the configuration file again", a, [&a] { return reload_configuration(a.admin); });
}

// The error in the first word of the command line, or empty; CLI11 would only say that a command is missing.
std::string unknown_command(const CLI::App& app, int argc, char** argv) {
  if (argc < 2) return "a command is missing; `weir help` lists them";
  std::string_view word = argv[1];
  if (word == "-h" || word == "--help" || word == "--version") return {};
  if (word.starts_with('-')) {
    return fmt::format("options follow the command, as in `weir status --admin ADDRESS`: '{}' is no command",
                       printable(word));
  }
  if (word == "undrain") return "there is no command 'undrain'; `weir enable ID` ends draining";
  std::vector<std::string> names;
  for (const CLI::App* known : app.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(known->get_name());
    if (names.back() == word) return {};
  }
  std::vector<std::string_view> candidates(names.begin(), names.end());
  std::string_view near = base::nearest(word, candidates);
  std::string hint = near.empty() ? "`weir help` lists what there is" : fmt::format("did you mean {}?", near);
  return fmt::format("there is no command '{}'; {}", printable(word), hint);
}

int run(int argc, char** argv) {
  CLI::App app("Weir, a load balancer");
  app.name("weir");
  app.require_subcommand(1);
  app.set_version_flag("--version", version_text());
  Arguments arguments;
  add_configuration_commands(app, arguments);
  add_demo(app, arguments);
  add_admin_commands(app, arguments);
  if (std::string wrong = unknown_command(app, argc, argv); !wrong.empty()) {
    fmt::print(stderr, "weir: {}\n", wrong);
    return kExitBadConfiguration;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    fmt::print(stderr, "weir: {}; see `weir help {}`\n", printable(error.what()), argv[1]);
    return kExitBadConfiguration;
  }
  return arguments.code;
}

}  // namespace
}  // namespace weir::app

int main(int argc, char** argv) {
  curl_global_init(CURL_GLOBAL_DEFAULT);
  int code = weir::app::run(argc, argv);
  curl_global_cleanup();
  return code;
}
