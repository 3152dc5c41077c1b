#include "app/command_admin.h"

#include <cstdio>
#include <fmt/format.h>
#include <map>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <utility>

#include "app/json_cells.h"
#include "app/status_text.h"
#include "app/text_table.h"
#include "app/weir.h"

namespace weir::app {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds kPollInterval{200};
constexpr std::size_t kMostDegraded = 10;  // pools of which `weir status` gives a reason

int fail(const AdminFailure& failure) {
  constexpr int kUnauthorized = 401;
  const char* hint = failure.status == kUnauthorized ? "; the token is given by --token or WEIR_TOKEN" : "";
  fmt::print(stderr, "weir: {}{}\n", failure.message, hint);
  return failure.answered ? kExitBadConfiguration : kExitCannotStart;
}

int strange_answer() { return fail({.message = "the answer is not one of Weir's admin API"}); }

AdminClient client_of(const AdminOptions& options) { return AdminClient(options.address, options.token); }

std::string backend_path(const BackendOrder& order, std::string_view action) {
  std::string path = "/backends/" + percent_encoded(order.id);
  if (!action.empty()) path += fmt::format("/{}", action);
  char mark = '?';
  if (!order.pool.empty()) path += fmt::format("{}pool={}", std::exchange(mark, '&'), percent_encoded(order.pool));
  if (action == "drain" && !order.drain_timeout.empty()) {
    path += fmt::format("{}drain_timeout={}", mark, percent_encoded(order.drain_timeout));
  }
  if (action == "eject" && !order.duration.empty()) {
    path += fmt::format("{}duration={}", mark, percent_encoded(order.duration));
  }
  return path;
}

// With the ejection beside it, which is no state of its own.
std::string status_cell(const Json& backend) {
  const Json& ejected = member(backend, "ejected");
  return cell(backend, "status") + (ejected.is_object() ? ", ejected" : "");
}

std::string reason_cell(const Json& backend) {
  const Json& ejected = member(backend, "ejected");
  if (!ejected.is_object()) return cell(backend, "reason");
  return fmt::format("ejected until {}: {}", cell(ejected, "until"), cell(ejected, "detail"));
}

std::string order_text(const Json& backend) {
  bool is_stored = !backend.contains("stored") || backend["stored"] != false;
  return printable(fmt::format("{}/{} ({}): {}, {} in progress{}", cell(backend, "pool"), cell(backend, "id"),
                               cell(backend, "address"), status_cell(backend), cell(backend, "active_connections"),
                               is_stored ? "" : "; applied, but not stored yet: the store cannot be written"));
}

int order_backend(const AdminOptions& options, const BackendOrder& order, std::string_view action) {
  AdminClient client = client_of(options);
  auto done = client.call("POST", backend_path(order, action));
  if (!done) return fail(done.error());
  if (!done->json.is_object()) return strange_answer();
  if (!order.wait) {
    fmt::print("{}\n", options.json ? done->body : order_text(done->json));
    return kExitFine;
  }
  auto give_up = std::chrono::steady_clock::now() + order.patience;
  while (true) {
    auto now = client.call("GET", backend_path(order, ""));
    if (!now) return fail(now.error());
    bool quiet = number(now->json, "active_connections") == 0 && number(now->json, "queued") == 0;
    if (quiet) {
      fmt::print("{}\n", options.json ? now->body : order_text(now->json));
      return kExitFine;
    }
    if (std::chrono::steady_clock::now() >= give_up) {
      return fail({.message = fmt::format("gave up waiting: {}", order_text(now->json)), .answered = true});
    }
    std::this_thread::sleep_for(kPollInterval);
  }
}

// Requests of each backend at one time.
struct Sample {
  std::chrono::steady_clock::time_point at;
  std::map<std::string, double> requests;
};

std::string key_of(const Json& backend) { return cell(backend, "pool") + "/" + cell(backend, "id"); }

std::string top_text(const Json& health, const Json& backends, const Sample& before,
                     std::chrono::duration<double> span) {
  TextTable table({"BACKEND", "ADDRESS", "STATUS", "REQ/S", "ACTIVE", "QUEUED", "OPEN", "FAILED"});
  for (const Json& backend : backends) {
    auto earlier = before.requests.find(key_of(backend));
    bool known = earlier != before.requests.end() && span.count() > 0;
    double rate = known ? (number(backend, "total_requests") - earlier->second) / span.count() : 0;
    table.add({key_of(backend), cell(backend, "address"), status_cell(backend),
               known ? fmt::format("{:.1f}", rate) : "-", cell(backend, "active_connections"), cell(backend, "queued"),
               cell(backend, "open_connections"), cell(backend, "failed_requests")});
  }
  return fmt::format("{}: {}, up {}, {} connections, {:.1f} requests/s\n\n{}", cell(health, "load_balancer_id"),
                     cell(health, "status"), span_text(number(health, "uptime_seconds")),
                     cell(health, "active_connections"), number(health, "requests_per_sec"), table.text());
}

// The first pools that GET /health calls degraded; a pool that is gone by now is left out.
Json backends_of_degraded(AdminClient& client, const Json& health) {
  Json pools = Json::array();
  for (const Json& name : member(health, "degraded_pools")) {
    if (!name.is_string() || pools.size() == kMostDegraded) break;
    auto listed = client.call("GET", "/backends?pool=" + percent_encoded(name.get<std::string>()));
    if (listed) pools.push_back({{"pool", name}, {"backends", member(listed->json, "backends")}});
  }
  return pools;
}

// With the file's own, where an operator has set another one.
std::string weight_cell(const Json& backend) {
  std::string weight = cell(backend, "weight");
  std::string of_file = cell(backend, "file_weight");
  return of_file == "-" ? weight : fmt::format("{} (file: {})", weight, of_file);
}

}  // namespace

std::string backends_text(const Json& backends) {
  TextTable table({"POOL", "ID", "ADDRESS", "STATUS", "WEIGHT", "ACTIVE", "REQUESTS", "FAILED", "SINCE", "REASON"});
  for (const Json& backend : backends) {
    table.add({cell(backend, "pool"), cell(backend, "id"), cell(backend, "address"), status_cell(backend),
               weight_cell(backend), cell(backend, "active_connections"), cell(backend, "total_requests"),
               cell(backend, "failed_requests"), cell(backend, "since"), reason_cell(backend)});
  }
  return table.empty() ? "no backends\n" : table.text();
}

std::string default_admin_address(const char* socket) {
  struct stat found{};
  bool is_there = stat(socket, &found) == 0 && S_ISSOCK(found.st_mode);
  return is_there ? fmt::format("unix:{}", socket) : "127.0.0.1:9090";
}

int show_status(const AdminOptions& options) {
  AdminClient client = client_of(options);
  auto health = client.call("GET", "/health");
  if (!health) return fail(health.error());
  if (!health->json.is_object()) return strange_answer();
  if (options.json) {
    fmt::print("{}", health->body);
    return kExitFine;
  }
  fmt::print("{}", status_text(health->json, backends_of_degraded(client, health->json)));
  return kExitFine;
}

int show_backends(const AdminOptions& options, const std::string& pool) {
  AdminClient client = client_of(options);
  auto listed = client.call("GET", pool.empty() ? "/backends" : "/backends?pool=" + percent_encoded(pool));
  if (!listed) return fail(listed.error());
  if (!listed->json.is_object() || !listed->json.contains("backends")) return strange_answer();
  fmt::print("{}", options.json ? listed->body : backends_text(listed->json["backends"]));
  return kExitFine;
}

int show_backend(const AdminOptions& options, const BackendOrder& order) {
  AdminClient client = client_of(options);
  auto shown = client.call("GET", backend_path(order, ""));
  if (!shown) return fail(shown.error());
  if (cell(shown->json, "status") == "set_aside") {
    fmt::print("{}\n", options.json ? shown->body : backend_text(shown->json, {}));
    return kExitFine;
  }
  auto health = client.call("GET", backend_path(order, "health"));
  if (!health) return fail(health.error());
  if (!shown->json.is_object() || !health->json.is_object()) return strange_answer();
  if (options.json) {
    shown->json["health"] = health->json;
    fmt::print("{}\n", shown->json.dump(-1, ' ', false, Json::error_handler_t::replace));
  } else {
    fmt::print("{}", backend_text(shown->json, health->json));
  }
  return kExitFine;
}

int drain_backend(const AdminOptions& options, const BackendOrder& order) {
  return order_backend(options, order, "drain");
}
int enable_backend(const AdminOptions& options, const BackendOrder& order) {
  return order_backend(options, order, "enable");
}
int disable_backend(const AdminOptions& options, const BackendOrder& order) {
  return order_backend(options, order, "disable");
}
int eject_backend(const AdminOptions& options, const BackendOrder& order) {
  return order_backend(options, order, "eject");
}
int readmit_backend(const AdminOptions& options, const BackendOrder& order) {
  return order_backend(options, order, "readmit");
}

int show_top(const AdminOptions& options, milliseconds interval, int rounds) {
  AdminClient client = client_of(options);
  Sample before;
  for (int round = 0; rounds <= 0 || round < rounds; ++round) {
    if (round > 0) std::this_thread::sleep_for(interval);
    auto health = client.call("GET", "/health");
    if (!health) return fail(health.error());
    auto listed = client.call("GET", "/backends");
    if (!listed) return fail(listed.error());
    if (!listed->json.is_object() || !listed->json.contains("backends")) return strange_answer();
    auto now = std::chrono::steady_clock::now();
    const Json& backends = listed->json["backends"];
    std::string text = options.json ? listed->body : top_text(health->json, backends, before, now - before.at);
    bool overwrite = isatty(STDOUT_FILENO) != 0 && !options.json;
    fmt::print("{}{}", overwrite ? "\x1b[H\x1b[2J" : "", text);
    std::fflush(stdout);
    before = {.at = now, .requests = {}};
    for (const Json& backend : backends) before.requests[key_of(backend)] = number(backend, "total_requests");
  }
  return kExitFine;
}

std::string reload_text(const Json& answer) {
  std::string out = "the configuration file was read again and applied\n";
  for (const Json& key : answer.value("needs_restart", Json::array())) {
    out += fmt::format("{}: the change takes effect with the next start\n",
                       printable(key.is_string() ? key.get<std::string>() : ""));
  }
  for (const Json& object : answer.value("set_aside", Json::array())) {
    out += printable(fmt::format("{} {} is set aside: {}", cell(object, "object"), cell(object, "id"),
                                 cell(object, "reason"))) +
           "\n";
  }
  return out;
}

int reload_configuration(const AdminOptions& options) {
  AdminClient client = client_of(options);
  auto done = client.call("POST", "/config/reload");
  if (!done) return fail(done.error());
  fmt::print("{}", options.json ? done->body : reload_text(done->json));
  return kExitFine;
}

}  // namespace weir::app
