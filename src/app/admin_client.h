// A client of the admin API, for the command line.
#pragma once

#include <expected>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/error.h"

namespace weir::app {

using Json = nlohmann::ordered_json;

// How a call that got no good answer is told: one line for people, and what the command exits with.
struct AdminFailure {
  std::string message;
  bool answered = false;  // the API was there and said no; otherwise nobody answered as the API does
  int status = 0;         // of the answer, if there was one
};

struct AdminAnswer {
  int status = 0;
  std::string body;
  Json json;  // the body parsed; null when it is no JSON
};

// One thread at a time. Blocks: at most 3 s to connect and `timeout_ms` in all.
class AdminClient {
 public:
  // `address` is "host:port", "http://host:port" or "unix:/path"; an empty `token` sends none.
  AdminClient(std::string address, std::string token, long timeout_ms = 10'000);
  ~AdminClient();
  AdminClient(const AdminClient&) = delete;
  AdminClient& operator=(const AdminClient&) = delete;

  // `path` with its query; a `body` that is not empty is sent as JSON. Any status of 2xx is an answer, and so is a 503
  // of GET /health: it says that Weir is draining.
  std::expected<AdminAnswer, AdminFailure> call(std::string_view method, const std::string& path,
                                                const std::string& body = {});
  const std::string& address() const { return address_; }

 private:
  struct Handle;
  std::string address_;
  std::string token_;
  long timeout_ms_;
  std::unique_ptr<Handle> handle_;
};

// The URL that libcurl is given for `path` at that address, and the socket path for "unix:/path".
struct AdminUrl {
  std::string url;
  std::string unix_path;
};
// Nothing when the address is of none of the forms.
base::Checked<AdminUrl> admin_url(std::string_view address, std::string_view path);

// The one-line message of an answer of `status`: the detail of a problem document (RFC 9457), else the body's
// beginning.
std::string problem_text(int status, std::string_view body);

// Everything but unreserved characters (RFC 3986 2.3) as %XX: one segment of a path, or a value of a query.
std::string percent_encoded(std::string_view text);

}  // namespace weir::app
