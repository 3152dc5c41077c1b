#include "app/admin_client.h"

#include <cerrno>
#include <curl/curl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "app/text_table.h"
#include "base/assert.h"

namespace weir::app {
namespace {

constexpr long kConnectTimeoutMs = 3'000;
constexpr std::size_t kMaxAnswerBytes = 256 * 1024 * 1024;

std::size_t append(char* data, std::size_t, std::size_t bytes, void* into) {
  auto& body = *static_cast<std::string*>(into);
  if (body.size() + bytes > kMaxAnswerBytes) return 0;
  body.append(data, bytes);
  return bytes;
}

struct Headers {
  ~Headers() { curl_slist_free_all(list); }
  void add(const std::string& line) { list = curl_slist_append(list, line.c_str()); }
  curl_slist* list = nullptr;
};

Json parse(std::string_view body) {
  Json json = Json::parse(body, nullptr, false);
  return json.is_discarded() ? Json() : json;
}

std::string text_of(const Json& json, const char* key) {
  auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// The error of a configuration as `weir check` prints it.
std::string error_line(const Json& error) {
  if (!error.is_object()) return {};
  auto number = [&](const char* key) {
    return error.contains(key) && error[key].is_number() ? error[key].dump() : "0";
  };
  std::string at = text_of(error, "file");
  if (!at.empty()) at += fmt::format(":{}:{}: ", number("line"), number("column"));
  std::string field = text_of(error, "field");
  return fmt::format("{}{}{}{}", at, field, field.empty() ? "" : ": ", text_of(error, "message"));
}

}  // namespace

struct AdminClient::Handle {
  Handle() : curl(curl_easy_init()) { WEIR_ASSERT(curl != nullptr); }
  ~Handle() { curl_easy_cleanup(curl); }
  CURL* curl;
};

AdminClient::AdminClient(std::string address, std::string token, long timeout_ms)
    : address_(std::move(address)),
      token_(std::move(token)),
      timeout_ms_(timeout_ms),
      handle_(std::make_unique<Handle>()) {}
AdminClient::~AdminClient() = default;

std::expected<AdminAnswer, AdminFailure> AdminClient::call(std::string_view method, const std::string& path,
                                                           const std::string& body) {
  base::Checked<AdminUrl> where = admin_url(address_, path);
  if (!where) return std::unexpected(AdminFailure{.message = std::move(where.error())});
  std::string verb(method);
  Headers headers;
  if (!body.empty()) headers.add("Content-Type: application/json");
  if (!token_.empty()) headers.add("Authorization: Bearer " + token_);
  AdminAnswer answer;
  CURL* curl = handle_->curl;
  curl_easy_reset(curl);  // keeps the connection
  curl_easy_setopt(curl, CURLOPT_URL, where->url.c_str());
  if (!where->unix_path.empty()) curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, where->unix_path.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http");
  curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, kConnectTimeoutMs);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, timeout_ms_);
  curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, verb.c_str());
  if (verb != "GET") {
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.c_str());
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
    if (body.empty()) headers.add("Content-Type:");  // libcurl would claim a form
  }
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.list);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &append);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer.body);
  CURLcode done = curl_easy_perform(curl);
  if (done != CURLE_OK) {
    std::string hint;
    if (done == CURLE_COULDNT_CONNECT) {
      hint = "; does Weir run, and is this its admin address? (--admin ADDRESS or WEIR_ADMIN)";
      if (!where->unix_path.empty() && access(where->unix_path.c_str(), W_OK) != 0 && errno == EACCES) {
        hint = "; its socket is open to its user and group: use sudo, or become a member of the group";
      }
    }
    return std::unexpected(AdminFailure{
        .message = fmt::format("cannot reach the admin API at {}: {}{}", address_, curl_easy_strerror(done), hint)});
  }
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  answer.status = static_cast<int>(status);
  answer.json = parse(answer.body);
  bool draining = answer.status == 503 && verb == "GET" && path == "/health" && answer.json.contains("version");
  if ((answer.status >= 200 && answer.status < 300) || draining) return answer;
  return std::unexpected(
      AdminFailure{.message = problem_text(answer.status, answer.body), .answered = true, .status = answer.status});
}

base::Checked<AdminUrl> admin_url(std::string_view address, std::string_view path) {
  constexpr std::string_view kUnix = "unix:", kScheme = "http://";
  if (address.starts_with(kUnix)) {
    std::string_view file = address.substr(kUnix.size());
    if (file.empty()) return std::unexpected("the admin address 'unix:' lacks a path: unix:/run/weir/admin.sock");
    return AdminUrl{.url = fmt::format("http://localhost{}", path), .unix_path = std::string(file)};
  }
  std::string_view host = address.starts_with(kScheme) ? address.substr(kScheme.size()) : address;
  if (host.ends_with('/')) host.remove_suffix(1);
  auto colon = host.rfind(':');
  bool has_port = colon != std::string_view::npos && colon > 0 && colon + 1 < host.size() &&
                  host.find_first_not_of("0123456789", colon + 1) == std::string_view::npos;
  if (!has_port || host.find_first_of("/?#@ ") != std::string_view::npos) {
    return std::unexpected(fmt::format("'{}' is no admin address; write host:port or unix:/path", printable(address)));
  }
  return AdminUrl{.url = fmt::format("http://{}{}", host, path), .unix_path = {}};
}

std::string problem_text(int status, std::string_view body) {
  Json problem = parse(body);
  std::string detail;
  if (problem.is_object()) {
    detail = text_of(problem, "detail");
    if (detail.empty()) detail = text_of(problem, "title");
  } else {
    detail = body.substr(0, std::min(body.find('\n'), std::size_t{200}));
  }
  if (detail.empty()) return fmt::format("the admin API answered {}", status);
  // A detail that ends with all errors is long: each gets a line of its own.
  std::string lines;
  auto errors = problem.is_object() ? problem.find("errors") : problem.end();
  if (errors != problem.end() && errors->is_array() && !errors->empty()) {
    if (auto end = detail.find("; " + error_line(errors->front())); end != std::string::npos) {
      detail.resize(end);
      for (const Json& error : *errors) lines += "\n" + printable(error_line(error));
    }
  }
  return fmt::format("{} (status {}){}", printable(detail), status, lines);
}

std::string percent_encoded(std::string_view text) {
  std::string out;
  for (char c : text) {
    bool unreserved = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                      c == '.' || c == '_' || c == '~';
    if (unreserved) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

}  // namespace weir::app
