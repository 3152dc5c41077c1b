// Requests to the admin API and its responses.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace weir::api {

// The server refuses larger bodies while they arrive; the API does as well.
inline constexpr std::size_t kMaxBodyBytes = 1024 * 1024;

struct ApiRequest {
  std::string method{};
  std::string path{};   // as received, still percent-encoded, without the query
  std::string query{};  // without the question mark
  // Header fields; empty when they are not there. Several fields of a name are joined by ", ".
  std::string host{};
  std::string origin{};
  std::string if_match{};
  std::string if_none_match{};
  std::string accept{};
  std::string authorization{};
  std::string content_type{};
  std::string last_event_id{};
  std::string body{};
  std::string peer{};          // for the audit: "127.0.0.1:5000", "unix"
  bool peer_is_local = false;  // a loopback address or a unix socket
};

struct ApiResponse {
  int status = 200;
  // Without Content-Length. For HEAD the body is there as for GET: the server sends its length only.
  std::vector<std::pair<std::string, std::string>> headers{};
  std::string body{};
  // The server keeps the response open and sends after `body` each event after this number, then each new one, with a
  // comment line every 15 s while nothing happens.
  std::optional<std::uint64_t> events_after{};
};

}  // namespace weir::api
