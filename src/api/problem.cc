#include "api/problem.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "config/document.h"

namespace weir::api {
namespace {

using Json = nlohmann::ordered_json;

Json to_json(const config::Fault& fault) {
  Json error = Json::object();
  if (!fault.path.empty()) error["field"] = fault.path;
  error["message"] = fault.message;
  if (fault.at.line > 0) {
    if (!fault.at.from_api()) error["file"] = fault.at.file;
    error["line"] = fault.at.line;
    error["column"] = fault.at.column;
  }
  return error;
}

// Takes "key" or "[2]" off the front of `path`; the child of `node` there, or null.
const config::Node* step(const config::Node& node, std::string_view& path, std::string_view& segment) {
  auto end = path.starts_with('[') ? path.find(']') : path.find_first_of(".[");
  if (path.starts_with('[') && end != std::string_view::npos) ++end;
  segment = path.substr(0, end);
  path.remove_prefix(segment.size());
  if (path.starts_with('.')) path.remove_prefix(1);
  if (!segment.starts_with('[')) return node.find(segment);
  std::optional<std::uint64_t> index = base::parse_unsigned(segment.substr(1, segment.size() - 2));
  return index && *index < node.items.size() ? &node.items[*index] : nullptr;
}

std::string path_as_sent(const config::Node& root, const std::string& path) {
  const config::Node* node = &root;
  std::string_view rest = path, segment;
  while (!rest.empty()) {
    std::string_view so_far = std::string_view(path).substr(0, path.size() - rest.size());
    if (node->is_scalar()) return std::string(so_far.substr(0, so_far.find_last_not_of('.') + 1));
    const config::Node* next = step(*node, rest, segment);
    bool by_address = next == nullptr && (segment == "host" || segment == "port") && node->find("address") != nullptr;
    if (by_address) return std::string(so_far) + "address";
    if (next == nullptr) return path;
    node = next;
  }
  return path;
}

}  // namespace

ApiResponse Problem::to_response() const {
  Json problem{{"type", "about:blank"}, {"title", status_phrase(status)}, {"status", status}, {"detail", detail}};
  if (!faults.empty()) {
    if (!faults.front().path.empty()) problem["field"] = faults.front().path;
    Json& errors = problem["errors"] = Json::array();
    for (const config::Fault& fault : faults) errors.push_back(to_json(fault));
  }
  if (origin.line > 0) {
    problem["origin"] = {{"file", origin.file}, {"line", origin.line}, {"column", origin.column}};
  }
  ApiResponse response{.status = status, .headers = headers};
  response.headers.emplace_back("Content-Type", "application/problem+json");
  // The text that the client sent may be no UTF-8.
  response.body = problem.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  return response;
}

std::unexpected<Problem> bad_field(std::string_view field, std::string message) {
  return std::unexpected(Problem{.status = 400,
                                 .detail = fmt::format("{}: {}", field, message),
                                 .faults = {{{"api", 0, 0}, std::string(field), std::move(message)}}});
}

std::unexpected<Problem> bad_body(config::Faults faults, std::string_view body) {
  config::Document sent = config::parse_json(body, "api");
  for (config::Fault& fault : faults) {
    if (sent.complete) fault.path = path_as_sent(sent.root, fault.path);
  }
  std::string detail;
  for (const config::Fault& fault : faults) {
    if (!detail.empty()) detail += "; ";
    if (fault.at.line > 0) detail += fmt::format("{}:{}: ", fault.at.line, fault.at.column);
    detail += fault.path.empty() ? fault.message : fmt::format("{}: {}", fault.path, fault.message);
  }
  return std::unexpected(Problem{.status = 400, .detail = std::move(detail), .faults = std::move(faults)});
}

std::unexpected<Problem> not_found(std::string detail) {
  return std::unexpected(Problem{.status = 404, .detail = std::move(detail)});
}

std::unexpected<Problem> conflict(std::string detail, std::string_view field) {
  Problem problem{.status = 409, .detail = detail};
  if (!field.empty()) problem.faults = {{{"api", 0, 0}, std::string(field), std::move(detail)}};
  return std::unexpected(std::move(problem));
}

std::unexpected<Problem> of_file(std::string_view what, const config::Origin& origin) {
  return std::unexpected(Problem{
      .status = 409,
      .detail = fmt::format("{} was written in {}:{}; change it there and reload", what, origin.file, origin.line),
      .origin = origin});
}

namespace {

std::unexpected<Problem> of_store(const store::Error& error) {
  using enum store::ErrorCode;
  bool is_certain = error.code != uncertain;
  Problem problem{
      .status = 503,
      .detail = (is_certain ? "nothing was changed: " : "the change may still take effect: ") + error.message};
  if (error.code == full) problem.status = 507;
  if (error.code == conflict) problem.status = 409;
  if (error.code == unavailable || error.code == uncertain) problem.headers.emplace_back("Retry-After", "1");
  return std::unexpected(std::move(problem));
}

// Changes wait for each other: why this one does no more.
std::unexpected<Problem> others_first(const base::Error& error) {
  std::string_view why = "changes that came before still wait for the store";
  if (error.code == base::ErrorCode::queue_full) why = "too many changes wait for the store";
  if (error.code == base::ErrorCode::cancelled) why = "Weir is stopping";
  return std::unexpected(
      Problem{.status = 503, .detail = fmt::format("nothing was changed: {}", why), .headers = {{"Retry-After", "5"}}});
}

}  // namespace

std::unexpected<Problem> refused(control::Catalog::Refusal refusal) {
  if (auto* faults = std::get_if<config::Faults>(&refusal)) {
    std::unexpected<Problem> problem = bad_body(std::move(*faults));
    problem.error().status = 409;
    return problem;
  }
  if (auto* error = std::get_if<store::Error>(&refusal)) return of_store(*error);
  return others_first(std::get<base::Error>(refusal));
}

std::string_view status_phrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 409:
      return "Conflict";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 421:
      return "Misdirected Request";
    case 503:
      return "Service Unavailable";
    case 507:
      return "Insufficient Storage";
    default:
      return "Error";
  }
}

}  // namespace weir::api
