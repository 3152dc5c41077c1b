// Routes: what of a request is matched, and what is done with it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/ip.h"
#include "config/values.h"

namespace weir::config {

// The timeouts that a listener, route or pool sets itself; the rest comes from the next wider scope.
// The order is: route, pool, listener, global.
struct TimeoutOverrides {
  std::optional<Duration> request, header, body, idle, connect, response, queue, tunnel, websocket;
  friend bool operator==(const TimeoutOverrides&, const TimeoutOverrides&) = default;
};

// How slowly a client may send a request's body or take a response, while Weir waits for it.
struct MinRate {
  std::uint32_t bytes_per_second = 240;  // on average over the grace; 0: as slowly as it likes
  std::optional<Duration> grace;         // of waiting; not there: 60 s, or a longer timeouts.body
  friend bool operator==(const MinRate&, const MinRate&) = default;
};

// The most memory of a compiled regular expression; its cache of states while it matches may take as much again.
inline constexpr std::int64_t kMaxExpressionBytes = 1024 * 1024;

// A predicate on one header or query parameter.
enum class MatchKind : std::uint8_t { exact, prefix, regex, present, absent };
struct NamedMatch {
  std::string name;  // a header's is lower case
  MatchKind kind = MatchKind::exact;
  std::string value;
  friend bool operator==(const NamedMatch&, const NamedMatch&) = default;
};

// All that is given must hold.
struct Match {
  std::vector<std::string> host;  // any of; exact ("a.example"), "*.example" for any depth below it
  std::optional<std::string> path;
  std::optional<std::string> path_prefix;  // on segment borders: /v1 takes /v1 and /v1/x, not /v10
  std::optional<std::string> path_regex;   // RE2, the whole path
  std::vector<std::string> method;         // any of
  std::vector<NamedMatch> header;
  std::vector<NamedMatch> query;
  std::vector<base::Cidr> client;  // any of
  std::vector<std::string> alpn;   // any of; only on tls listeners, which match host, client and this
  friend bool operator==(const Match&, const Match&) = default;
};

struct Redirect {
  // A path or an absolute URL, with variables (template_text.h) and, after path_regex, {1}... The query is kept unless
  // `to` has a '?' of its own; one at its end drops it.
  std::string to;
  std::uint16_t status = 302;  // 301 302 303 307 308
  friend bool operator==(const Redirect&, const Redirect&) = default;
};

struct FixedResponse {
  std::uint16_t status = 200;
  std::string body;
  std::string content_type = "text/plain; charset=utf-8";
  friend bool operator==(const FixedResponse&, const FixedResponse&) = default;
};

// At most one of the two path changes. All but path_regex take variables (template_text.h).
struct Rewrite {
  std::optional<std::string> path_prefix;  // replaces what path_prefix of the match took
  std::optional<std::string> path_regex;   // RE2 over the path; every place it matches is replaced by `substitution`
  std::string substitution;                // \1.. are groups
  std::optional<std::string> host;         // the Host the backend sees
  friend bool operator==(const Rewrite&, const Rewrite&) = default;
};

// Values take variables (template_text.h).
struct HeaderChanges {
  std::vector<std::pair<std::string, std::string>> set;  // replaces all fields of that name
  std::vector<std::pair<std::string, std::string>> add;
  std::vector<std::string> remove;
  bool empty() const { return set.empty() && add.empty() && remove.empty(); }
  friend bool operator==(const HeaderChanges&, const HeaderChanges&) = default;
};

struct Route {
  std::string name;  // given, or "<listener>/<number>"
  Match match;
  std::string pool;  // exactly one of pool, redirect, respond
  std::optional<Redirect> redirect;
  std::optional<FixedResponse> respond;
  Rewrite rewrite;
  HeaderChanges request_headers;
  HeaderChanges response_headers;
  TimeoutOverrides timeouts;
  std::optional<MinRate> min_rate;  // not there: the listener's
  Filters filters;                  // in place of the listener's of the same names; `off` removes one
  Origin origin;
  friend bool operator==(const Route&, const Route&) = default;
};

}  // namespace weir::config
