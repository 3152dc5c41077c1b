#include "health/http_check_options.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <map>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "health/probe_connection.h"

namespace weir::health {
namespace {

using Headers = std::map<std::string, std::string>;
constexpr std::array<std::string_view, 4> kVersions = {"auto", "1.0", "1.1", "2"};

bool is_token_char(char c) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         kMarks.find(c) != std::string_view::npos;
}
bool is_token(std::string_view text) { return !text.empty() && std::ranges::all_of(text, is_token_char); }

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }
bool is_visible(char c) { return !is_control(c) && c != ' '; }
bool is_host(std::string_view text) {
  return std::ranges::all_of(text,
                             [](char c) { return is_visible(c) && c != '/' && c != '?' && c != '#' && c != '@'; });
}

// Whether the probe may send the header.
base::Checked<void> check_header(const std::string& name, const std::string& value) {
  constexpr std::array<std::string_view, 5> kOwn = {"connection", "content-length", "host", "transfer-encoding",
                                                    "upgrade"};
  if (!is_token(name)) return std::unexpected(fmt::format("'{}' is no header name", name));
  for (std::string_view own : kOwn) {
    if (base::equal_ignoring_case(name, own))
      return std::unexpected(fmt::format("'{}' is set by the probe itself", name));
  }
  bool sendable = std::ranges::all_of(value, [](char c) { return c == '\t' || !is_control(c); });
  if (!sendable) return std::unexpected(fmt::format("the value of '{}' holds a control character", name));
  return {};
}

}  // namespace

bool is_sendable_path(std::string_view path) {
  return path.starts_with('/') && std::ranges::all_of(path, [](char c) { return is_visible(c) && c != '#'; });
}

std::span<const config::OptionSpec> HttpCheckOptions::specs() {
  static constexpr std::array<std::string_view, 4> kMethods = {"GET", "HEAD", "OPTIONS", "POST"};
  using config::OptionType;
  static const std::array<config::OptionSpec, 8> kSpecs = {{
      {.key = "path",
       .type = OptionType::text,
       .default_value = std::string("/health"),
       .summary = "path and query that are asked for"},
      {.key = "ready",
       .type = OptionType::text,
       .default_value = std::string(),
       .summary = "path and query that say whether the backend wants new work; empty: it does when it is healthy"},
      {.key = "method",
       .type = OptionType::text,
       .default_value = std::string("GET"),
       .summary = "request method",
       .allowed = kMethods},
      {.key = "host",
       .type = OptionType::text,
       .default_value = std::string(),
       .summary = "value of Host; empty: the backend's own host and port"},
      {.key = "headers",
       .type = OptionType::text_map,
       .default_value = Headers(),
       .summary = "further request headers"},
      {.key = "expected_status",
       .type = OptionType::text_list,
       .default_value = std::vector<std::string>{"200-299"},
       .summary = "statuses and ranges of statuses that count as healthy"},
      {.key = "expected_body",
       .type = OptionType::text,
       .default_value = std::string(),
       .summary = "text that must appear within the first 64 KB of the body; empty: any body"},
      {.key = "version",
       .type = OptionType::text,
       .default_value = std::string("auto"),
       .summary = "HTTP version of the request; auto: what the pool speaks",
       .allowed = kVersions},
  }};
  return kSpecs;
}

std::expected<HttpCheckOptions, config::OptionFaults> HttpCheckOptions::read(const config::Choice& choice) {
  config::OptionFaults faults;
  auto text = [&](std::string_view key) { return option_or_default<std::string>(choice, specs(), key); };
  auto refuse_unless = [&](bool good, std::string_view key, std::string message) {
    if (!good) faults.push_back({key, std::move(message)});
  };
  HttpCheckOptions options{.method = text("method"),
                           .path = text("path"),
                           .ready = text("ready"),
                           .host = text("host"),
                           .version = text("version"),
                           .headers = {},
                           .expected_status = {},
                           .expected_body = text("expected_body")};
  refuse_unless(is_token(options.method), "method", fmt::format("'{}' is no method", options.method));
  refuse_unless(std::ranges::find(kVersions, options.version) != kVersions.end(), "version",
                fmt::format("'{}' is none of auto, 1.0, 1.1 and 2", options.version));
  refuse_unless(is_sendable_path(options.path), "path",
                fmt::format("'{}' must begin with '/' and hold no spaces, control characters or '#'", options.path));
  refuse_unless(options.ready.empty() || is_sendable_path(options.ready), "ready",
                fmt::format("'{}' must begin with '/' and hold no spaces, control characters or '#'", options.ready));
  refuse_unless(is_host(options.host), "host", fmt::format("'{}' is no host name", options.host));
  for (const auto& [name, value] : option_or_default<Headers>(choice, specs(), "headers")) {
    if (auto good = check_header(name, value); !good) refuse_unless(false, "headers", std::move(good.error()));
    options.headers.emplace_back(name, base::trim(value));
  }
  const auto& statuses = option_or_default<std::vector<std::string>>(choice, specs(), "expected_status");
  base::Checked<StatusRanges> ranges = StatusRanges::parse(statuses);
  if (ranges) {
    options.expected_status = *std::move(ranges);
  } else {
    refuse_unless(false, "expected_status", ranges.error());
  }
  refuse_unless(options.expected_body.size() <= kBodyLimitBytes, "expected_body",
                "is longer than the 64 KB that are read");
  refuse_unless(options.expected_body.empty() || options.method != "HEAD", "expected_body",
                "cannot be found: a response to HEAD has no body");
  if (!faults.empty()) return std::unexpected(std::move(faults));
  return options;
}

HttpVersions HttpCheckOptions::versions(const CheckTarget& target) const {
  if (version == "2") return {{"h2"}};
  if (version != "auto" || target.protocol == config::PoolProtocol::http_1_1) return {{"http/1.1"}};
  if (target.protocol == config::PoolProtocol::h2) return {{"h2"}};
  // Which version a backend speaks its handshake says: in clear there is none, and traffic is HTTP/1.1.
  if (target.tls == nullptr) return {{"http/1.1"}};
  return {{"h2", "http/1.1"}};
}

}  // namespace weir::health
