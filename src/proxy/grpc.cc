#include "proxy/grpc.h"

#include "base/text.h"
#include "config/grpc_statuses.h"

namespace weir::proxy {

using http::HeaderField;
using http::HeaderId;

bool is_grpc(const http::HeaderMap& headers) {
  constexpr std::string_view kType = "application/grpc";
  const HeaderField* type = headers.find(HeaderId::content_type);
  if (type == nullptr || !base::equal_ignoring_case(type->value.substr(0, kType.size()), kType)) return false;
  std::string_view rest = type->value.substr(kType.size());
  // "application/grpc-web" is another protocol.
  return rest.empty() || rest[0] == '+' || rest[0] == ';';
}

unsigned grpc_status_of(std::uint16_t status) {
  switch (status) {
    case 400:
      return 13;  // INTERNAL
    case 401:
      return 16;  // UNAUTHENTICATED
    case 403:
      return 7;  // PERMISSION_DENIED
    case 404:
    case 405:
    case 501:
      return 12;  // UNIMPLEMENTED
    case 413:
    case 431:
      return 8;  // RESOURCE_EXHAUSTED
    case 408:
    case 504:
      return 4;  // DEADLINE_EXCEEDED: it may have been done, so nobody should take it for UNAVAILABLE and try again
    case 429:
    case 502:
    case 503:
      return 14;  // UNAVAILABLE
    default:
      return 2;  // UNKNOWN
  }
}

std::optional<unsigned> grpc_status_in(const http::HeaderMap& fields) {
  const HeaderField* field = fields.find(HeaderId::grpc_status);
  if (field == nullptr) return std::nullopt;
  return static_cast<unsigned>(base::parse_unsigned(field->value, config::kGrpcStatuses.size() - 1).value_or(2));
}

}  // namespace weir::proxy
