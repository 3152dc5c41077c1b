#include "app/status_text.h"

#include <fmt/format.h>

#include "app/json_cells.h"
#include "app/text_table.h"

namespace weir::app {
namespace {

constexpr int kMostLines = 20;  // of one kind, before the rest is only counted

// "label        text"; the label is left out of the lines that follow under it.
void line(std::string& out, std::string_view label, std::string_view text) {
  out += printable(fmt::format("{:<13}{}", label, text)) + "\n";
}

std::string count_states(const Json& backends) {
  std::string states;
  for (const char* state : {"healthy", "unhealthy", "not_ready", "unknown", "draining", "disabled"}) {
    if (number(backends, state) == 0) continue;
    states += fmt::format("{}{} {}", states.empty() ? "" : ", ", number(backends, state), state);
  }
  return states.empty() ? "none" : states;
}

// The first of its backends says why, and how many others there are.
std::string why_degraded(const Json& backends) {
  if (!backends.is_array() || backends.empty()) return "none of its backends is healthy";
  const Json& first = backends.front();
  std::string others = backends.size() == 1 ? "" : fmt::format(", and {} more", backends.size() - 1);
  return fmt::format("no healthy backend; {} is {}: {}{}", cell(first, "id"), cell(first, "status"),
                     cell(first, "reason"), others);
}

void add_degraded(std::string& out, const Json& names, const Json& degraded) {
  std::string_view label = "degraded";
  int lines = 0;
  for (const Json& name : names) {
    if (!name.is_string()) continue;
    if (++lines > kMostLines) return line(out, "", fmt::format("and {} more", names.size() - kMostLines));
    std::string why;
    for (const Json& pool : degraded) {
      if (member(pool, "pool") == name) why = ": " + why_degraded(member(pool, "backends"));
    }
    line(out, label, fmt::format("pool {}{}", name.get<std::string>(), why));
    label = "";
  }
}

void add_set_aside(std::string& out, const Json& objects) {
  std::string_view label = "set aside";
  int lines = 0;
  for (const Json& object : objects) {
    if (++lines > kMostLines) return line(out, "", fmt::format("and {} more", objects.size() - kMostLines));
    line(out, label, fmt::format("{} {}: {}", cell(object, "object"), cell(object, "id"), cell(object, "reason")));
    label = "";
  }
}

std::string check_text(const Json& check) {
  if (!check.is_object()) return "none has ended yet";
  bool is_ok = member(check, "ok") == true;
  return fmt::format("{} {} after {:.1f} ms{}", cell(check, "at"), is_ok ? "succeeded" : "failed",
                     number(check, "latency_ms"), is_ok ? "" : ": " + cell(check, "error"));
}

}  // namespace

std::string span_text(double seconds) {
  auto whole = static_cast<long long>(seconds);
  if (whole >= 86400) return fmt::format("{} d {} h", whole / 86400, whole % 86400 / 3600);
  if (whole >= 3600) return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
  if (whole >= 60) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} s", whole);
}

std::string status_text(const Json& health, const Json& degraded) {
  std::string out =
      printable(fmt::format("{} (weir {})", cell(health, "load_balancer_id"), cell(health, "version"))) + "\n";
  line(out, "status", cell(health, "status"));
  line(out, "up", span_text(number(health, "uptime_seconds")));
  line(out, "connections", cell(health, "active_connections"));
  line(out, "requests/s", fmt::format("{:.1f}", number(health, "requests_per_sec")));
  line(out, "backends", count_states(member(health, "backend_health")));
  add_degraded(out, member(health, "degraded_pools"), degraded);
  add_set_aside(out, member(health, "set_aside"));
  return out;
}

std::string backend_text(const Json& backend, const Json& health) {
  std::string out = printable(fmt::format("{}/{}", cell(backend, "pool"), cell(backend, "id"))) + "\n";
  if (!health.is_object()) {
    line(out, "status", fmt::format("{}: {}", cell(backend, "status"), cell(backend, "reason")));
    return out;
  }
  line(out, "address", cell(backend, "address"));
  line(out, "status", fmt::format("{} since {}", cell(backend, "status"), cell(backend, "since")));
  line(out, "reason", cell(backend, "reason"));
  const Json& ejected = member(backend, "ejected");
  if (ejected.is_object()) {
    line(out, "ejected",
         fmt::format("since {} until {} ({}): {}", cell(ejected, "since"), cell(ejected, "until"),
                     cell(ejected, "reason"), cell(ejected, "detail")));
  }
  line(out, "weight", cell(backend, "weight"));
  line(out, "requests",
       fmt::format("{}, {} failed, {} in progress, {} queued", cell(backend, "total_requests"),
                   cell(backend, "failed_requests"), cell(backend, "active_connections"), cell(backend, "queued")));
  line(out, "last check", check_text(member(health, "last_check")));
  const Json& error = member(health, "last_error");
  line(out, "last error", error.is_object() ? fmt::format("{} {}", cell(error, "at"), cell(error, "detail")) : "none");
  std::string_view label = "history";
  for (const Json& change : member(health, "history")) {
    line(out, label,
         fmt::format("{} {} -> {}: {}", cell(change, "at"), cell(change, "from"), cell(change, "to"),
                     cell(change, "reason")));
    label = "";
  }
  label = "ejections";
  for (const Json& change : member(health, "ejections")) {
    line(out, label, fmt::format("{} {}: {}", cell(change, "at"), cell(change, "action"), cell(change, "detail")));
    label = "";
  }
  return out;
}

}  // namespace weir::app
