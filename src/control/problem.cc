#include "control/problem.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace weir::control {
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
  // What the client sent may be no UTF-8.
  response.body = problem.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  return response;
}

std::unexpected<Problem> bad_field(std::string_view field, std::string message) {
  return std::unexpected(Problem{.status = 400,
                                 .detail = fmt::format("{}: {}", field, message),
                                 .faults = {{{"api", 0, 0}, std::string(field), std::move(message)}}});
}

std::unexpected<Problem> bad_body(config::Faults faults) {
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

std::unexpected<Problem> refused(Catalog::Refusal refusal) {
  if (auto* faults = std::get_if<config::Faults>(&refusal)) {
    std::unexpected<Problem> problem = bad_body(std::move(*faults));
    problem.error().status = 409;
    return problem;
  }
  auto& error = std::get<StoreError>(refusal);
  Problem problem{.status = 503, .detail = "nothing was changed: " + error.message};
  if (error.fault == StoreFault::full) problem.status = 507;
  if (error.fault == StoreFault::conflict) problem.status = 409;
  if (error.fault == StoreFault::unavailable) problem.headers.emplace_back("Retry-After", "1");
  return std::unexpected(std::move(problem));
}

std::string_view status_phrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
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

}  // namespace weir::control
