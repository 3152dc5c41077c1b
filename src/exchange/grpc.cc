#include "exchange/grpc.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

#include "base/text.h"
#include "config/grpc_statuses.h"

namespace weir::exchange {

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

unsigned grpc_status_of(worker::Termination how, std::uint16_t status) {
  std::uint8_t named = worker::kTerminations[static_cast<std::size_t>(how)].grpc_status;
  return named == worker::TerminationEntry::by_http ? grpc_status_of(status) : named;
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

namespace {

struct TimeoutUnit {
  char letter;
  std::int64_t nanoseconds;
};
constexpr std::array<TimeoutUnit, 6> kTimeoutUnits{
    {{'n', 1}, {'u', 1'000}, {'m', 1'000'000}, {'S', 1'000'000'000}, {'M', 60'000'000'000}, {'H', 3'600'000'000'000}}};
constexpr std::int64_t kMostTimeoutDigits = 99'999'999;
// Beyond a year a deadline is none.
constexpr std::int64_t kLongestDeadline = 365 * 24 * 3'600'000'000'000;

}  // namespace

std::optional<base::Nanoseconds> parse_grpc_timeout(std::string_view value) {
  if (value.size() < 2) return std::nullopt;
  std::string_view digits = value.substr(0, value.size() - 1);
  constexpr std::size_t kMostDigits = 8;
  std::optional<std::uint64_t> count = base::parse_unsigned(digits, kMostTimeoutDigits);
  if (!count || digits.size() > kMostDigits) return std::nullopt;
  for (const TimeoutUnit& unit : kTimeoutUnits) {
    if (unit.letter != value.back()) continue;
    if (*count > static_cast<std::uint64_t>(kLongestDeadline / unit.nanoseconds)) return kNoGrpcDeadline;
    return base::Nanoseconds(static_cast<std::int64_t>(*count) * unit.nanoseconds);
  }
  return std::nullopt;
}

std::string_view format_grpc_timeout(base::Nanoseconds left, base::Arena& arena) {
  std::int64_t nanoseconds = std::max<std::int64_t>(1, left.count());
  const TimeoutUnit* unit = kTimeoutUnits.data();
  while (nanoseconds / unit->nanoseconds > kMostTimeoutDigits) ++unit;
  constexpr std::size_t kLongest = 9;
  char* text = arena.allocate(kLongest);
  auto end = fmt::format_to(text, "{}{}", nanoseconds / unit->nanoseconds, unit->letter);
  return {text, static_cast<std::size_t>(end - text)};
}

std::string_view grpc_message(std::string_view text, base::Arena& arena) {
  char* out = arena.allocate(3 * text.size() + 1);
  char* end = out;
  for (char c : text) {
    if (c >= ' ' && c <= '~' && c != '%') {
      *end++ = c;
    } else {
      end = fmt::format_to(end, "%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return {out, static_cast<std::size_t>(end - out)};
}

}  // namespace weir::exchange
