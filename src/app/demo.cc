#include "app/demo.h"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <initializer_list>
#include <string>
#include <thread>
#include <unistd.h>
#include <utility>

#include "app/admin_client.h"
#include "app/demo_backends.h"
#include "app/weir.h"
#include "base/error.h"
#include "base/log.h"
#include "config/read.h"
#include "net/listener.h"

namespace weir::app {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint16_t kControlPort = 9100;

// A port that is free right now on `ip`: the wanted one or, if that may be, another.
base::Result<std::uint16_t> free_port(const base::IpAddress& ip, std::uint16_t wanted, bool any) {
  base::Result<int> fd = net::listen_tcp({.ip = ip, .port = wanted}, {});
  if (!fd && any) fd = net::listen_tcp({.ip = ip, .port = 0}, {});
  if (!fd) return std::unexpected(fd.error());
  std::uint16_t port = net::local_address(*fd).port;
  close(*fd);
  return port;
}

// The built-in configuration with quick probes, so that a killed backend is seen to leave.
config::Config demo_config(std::uint16_t port, std::uint16_t admin_port, bool access_log) {
  config::Config config = config::built_in_config(kinds());
  config.access_log.enabled = access_log;
  config.access_log.format = "combined";
  config.log_level = "warning";
  config.drain_timeout = seconds(3);
  config.admin.listen = fmt::format("127.0.0.1:{}", admin_port);
  config.listeners.front().address = fmt::format("*:{}", port);
  config::Pool& pool = config.pools.front();
  pool.health_check.checker = {.name = "http", .options = {}};
  pool.health_check.interval = seconds(1);
  pool.health_check.fast_interval = milliseconds(200);
  pool.health_check.timeout = seconds(1);
  pool.health_check.healthy_threshold = 1;
  pool.health_check.unhealthy_threshold = 2;
  return config;
}

std::string this_program() {
  std::error_code unknown;
  std::string program = std::filesystem::read_symlink("/proc/self/exe", unknown);
  std::string folder = std::filesystem::current_path(unknown);
  const char* search_path = std::getenv("PATH");
  return program.empty() ? "weir" : how_to_call(program, folder, search_path == nullptr ? "" : search_path);
}

// The requests to try, printed when everything runs.
void print_guide(const DemoBackends& samples, std::uint16_t port, std::uint16_t admin_port) {
  std::string web = fmt::format("http://127.0.0.1:{}", port), admin = fmt::format("http://127.0.0.1:{}", admin_port);
  std::string control = fmt::format("http://127.0.0.1:{}", samples.control_port());
  std::string option = admin_port == 9090 ? "" : fmt::format(" --admin 127.0.0.1:{}", admin_port);
  fmt::print("Weir takes traffic at {}/ and shows itself at {}/\n\nBackends behind it:\n", web, admin);
  for (const DemoBackend& backend : samples.backends()) {
    fmt::print("  {:<8} http://127.0.0.1:{}/  answers after {} ms\n", backend.name, backend.port,
               backend.delay.count());
  }
  std::string weir = this_program();
  std::string json = "-H 'Content-Type: application/json'";
  fmt::print("\nTry, in another terminal:\n");
  for (const auto& [command, effect] : std::initializer_list<std::pair<std::string, std::string_view>>{
           {fmt::format("for i in 1 2 3 4 5 6; do curl -s {}/; done", web), "each backend in turn"},
           {fmt::format("curl -s -X POST {}/quick/kill", control), "a backend dies, and no client sees it"},
           {fmt::format("{} backends{}", weir, option), "Weir has noticed"},
           {fmt::format("curl -s -X POST {}/quick/revive", control), "and it returns"},
           {fmt::format("{} drain slow --wait{}", weir, option),
            "stop sending requests to slow; returns when none is left"},
           {fmt::format("{} enable slow{}", weir, option), ""},
           {fmt::format(R"(curl -s -X PUT {}/config/algorithm {} -d '{{"algorithm":"least_response_time"}}')", admin,
                        json),
            "the quick one now gets most"},
           {fmt::format("{} top{}", weir, option), "all of it, every second"},
           {fmt::format("curl -s {}/metrics | grep weir_requests", admin), "what was counted"},
           {fmt::format("curl -s {}/openapi.json", admin), "all that the admin API can do"}}) {
    fmt::print("  {:<66}{}{}\n", command, effect.empty() ? "" : "  # ", effect);
  }
  fmt::print("\nCtrl-C stops everything.\n");
  std::fflush(stdout);
}

// The samples become backends through the admin API, so that everything about them may be changed there.
base::Checked<void> add_backends(const DemoBackends& samples, std::uint16_t admin_port) {
  AdminClient client(fmt::format("127.0.0.1:{}", admin_port), "");
  for (const DemoBackend& backend : samples.backends()) {
    Json body{{"id", backend.name}, {"host", "127.0.0.1"}, {"port", backend.port}};
    auto made = client.call("POST", "/backends", body.dump());
    if (!made) return std::unexpected(made.error().message);
  }
  return {};
}

int run_weir(const DemoBackends& samples, const DemoOptions& options) {
  auto admin_port = free_port(base::IpAddress::v4({127, 0, 0, 1}), options.admin_port, options.any_port);
  auto port = free_port(base::IpAddress(), options.port, options.any_port);
  if (!port || !admin_port) {
    std::string where = port ? fmt::format("127.0.0.1:{}", options.admin_port) : fmt::format("port {}", options.port);
    fmt::print(stderr, "weir: {}\n", net::listen_failure(where, port ? admin_port.error() : port.error()));
    return kExitCannotStart;
  }
  if (*port != options.port) fmt::print("Port {} is taken, so {} is used.\n", options.port, *port);
  if (*admin_port != options.admin_port)
    fmt::print("Port {} is taken, so {} is used.\n", options.admin_port, *admin_port);
  Weir weir({.config_path = {}, .config = demo_config(*port, *admin_port, options.access_log)});
  if (std::optional<int> failed = weir.start()) return *failed;
  bool added = false;
  std::thread guide([&] {
    base::Checked<void> done = add_backends(samples, *admin_port);
    added = done.has_value();
    if (added) return print_guide(samples, *port, *admin_port);
    fmt::print(stderr, "weir: cannot add the sample backends: {}\n", done.error());
    weir.stop();
  });
  int code = weir.run();
  guide.join();
  return added ? code : kExitCannotStart;
}

}  // namespace

std::string how_to_call(const std::string& program, const std::string& folder, std::string_view search_path) {
  constexpr const char* kName = "weir";
  std::error_code unknown;
  while (!search_path.empty()) {
    std::string_view place = search_path.substr(0, search_path.find(':'));
    search_path.remove_prefix(std::min(search_path.size(), place.size() + 1));
    std::filesystem::path found = std::filesystem::path(place) / kName;
    if (place.empty() || !std::filesystem::exists(found, unknown)) continue;
    if (std::filesystem::equivalent(found, program, unknown)) return kName;
    break;
  }
  std::string path = program;
  if (path.starts_with(folder + "/")) path.erase(0, folder.size() + 1);
  if (path.find('/') == std::string::npos) path.insert(0, "./");
  auto plain = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || std::strchr("/._-+", c) != nullptr;
  };
  if (std::ranges::all_of(path, plain)) return path;
  for (auto at = path.find('\''); at != std::string::npos; at = path.find('\'', at + 4)) path.replace(at, 1, R"('\'')");
  return "'" + path + "'";
}

int run_demo(const DemoOptions& options) {
  block_signals();
  DemoBackends samples({{.name = "quick", .delay = milliseconds(0), .port = 9101},
                        {.name = "medium", .delay = milliseconds(20), .port = 9102},
                        {.name = "slow", .delay = milliseconds(80), .port = 9103}});
  if (base::Result<void> started = samples.start(kControlPort); !started) {
    fmt::print(stderr, "weir: cannot start the sample backends: {}\n", base::cause(started.error()));
    return kExitCannotStart;
  }
  int code = run_weir(samples, options);
  samples.stop();
  return code;
}

}  // namespace weir::app
