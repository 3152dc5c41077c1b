#include "http/forward.h"

#include <algorithm>

#include "base/text.h"
#include "http/list.h"

namespace weir::http {

bool connection_may_name(HeaderId id) {
  switch (id) {
    case HeaderId::other:
    case HeaderId::connection:
    case HeaderId::keep_alive:
    case HeaderId::proxy_connection:
    case HeaderId::te:
    case HeaderId::trailer:
    case HeaderId::transfer_encoding:
    case HeaderId::upgrade:
    case HeaderId::proxy_authenticate:
    case HeaderId::proxy_authorization:
      return true;
    default:
      return false;
  }
}

HopByHop::HopByHop(const HeaderMap& headers) {
  for (const HeaderField& field : headers) {
    if (field.id != HeaderId::connection) continue;
    std::string_view rest = field.value;
    while (auto option = next_piece(rest, ',')) {
      const HeaderId id = header_id(*option);
      // The usual options, "close" and those of the fixed list, need no place here.
      if (option->empty() || is_fixed(id) || !connection_may_name(id)) continue;
      if (base::equal_ignoring_case(*option, "close") || named_ == names_.size()) continue;
      names_[named_++] = {option->data(), option->size()};
    }
  }
}

bool HopByHop::is_fixed(HeaderId id) {
  switch (id) {
    case HeaderId::connection:
    case HeaderId::keep_alive:
    case HeaderId::proxy_connection:
    case HeaderId::te:
    case HeaderId::transfer_encoding:
    case HeaderId::upgrade:
      return true;
    default:
      return false;
  }
}

bool HopByHop::is_named(const HeaderField& field) const {
  for (std::size_t i = 0; i < named_; ++i) {
    if (base::equal_ignoring_case({names_[i].data, names_[i].size}, field.name)) return true;
  }
  return false;
}

bool connection_has(const HeaderMap& headers, std::string_view token) {
  for (const HeaderField& field : headers) {
    if (field.id != HeaderId::connection) continue;
    std::string_view rest = field.value;
    while (auto option = next_piece(rest, ',')) {
      if (base::equal_ignoring_case(*option, token)) return true;
    }
  }
  return false;
}

bool accepts_trailers(const HeaderMap& headers) {
  for (const HeaderField& field : headers) {
    if (field.id != HeaderId::te) continue;
    std::string_view rest = field.value;
    while (auto coding = next_piece(rest, ',')) {
      if (base::equal_ignoring_case(*coding, "trailers")) return true;
    }
  }
  return false;
}

bool trailer_may_pass(const HeaderField& field) {
  switch (field.id) {
    case HeaderId::grpc_status:
    case HeaderId::server:
    case HeaderId::x_request_id:
      return true;
    case HeaderId::other:
      break;
    default:
      return false;
  }
  // Authentication, conditions and response control that Weir has no other reason to know (RFC 9110 6.5.1).
  constexpr std::string_view kNever[] = {
      "www-authenticate",
      "authentication-info",
      "proxy-authentication-info",
      "if-match",
      "if-none-match",
      "if-modified-since",
      "if-unmodified-since",
      "if-range",
      "age",
      "expires",
      "pragma",
      "vary",
      "warning",
      "content-location",
      "content-language",
      "strict-transport-security",
      "http2-settings",
  };
  for (std::string_view name : kNever) {
    if (base::equal_ignoring_case(field.name, name)) return false;
  }
  return true;
}

bool reads_as(std::string_view name, std::string_view plain) {
  if (name.size() != plain.size()) return false;
  for (std::size_t i = 0; i < plain.size(); ++i) {
    if ((name[i] == '_' ? '-' : base::ascii_lower(name[i])) != plain[i]) return false;
  }
  return true;
}

bool is_said_by_proxies(std::string_view name) {
  if (name.size() < 2 || base::ascii_lower(name[0]) != 'x' || (name[1] != '-' && name[1] != '_')) return false;
  constexpr std::string_view kCertificate = "x-client-cert-";
  constexpr std::string_view kNames[] = {"x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-request-id"};
  if (reads_as(name.substr(0, kCertificate.size()), kCertificate)) return true;
  return std::ranges::any_of(kNames, [&](std::string_view plain) { return reads_as(name, plain); });
}

bool speaks_for_proxies(std::string_view name) {
  if (name.size() < std::string_view("x-real-ip").size()) return false;
  constexpr std::string_view kForwarded = "x-forwarded";
  constexpr std::string_view kNames[] = {"x-real-ip",      "x-client-ip",  "x-original-url",  "x-rewrite-url",
                                         "x-original-uri", "x-url-scheme", "front-end-https", "forwarded"};
  const char first = base::ascii_lower(name[0]);
  if (first != 'x' && first != 'f') return false;
  const bool longer = name.size() > kForwarded.size();
  if (reads_as(name.substr(0, kForwarded.size()), kForwarded)) {
    return !longer || name[kForwarded.size()] == '-' || name[kForwarded.size()] == '_';
  }
  return std::ranges::any_of(kNames, [&](std::string_view plain) { return reads_as(name, plain); });
}

bool request_trailer_may_pass(const HeaderField& field) {
  return trailer_may_pass(field) && !is_said_by_proxies(field.name) && !speaks_for_proxies(field.name);
}

void write_via(HeadWriter& writer, Version received, std::string_view pseudonym) {
  constexpr std::size_t kLongest = 256;
  char value[kLongest];
  const std::string_view version = received == Version::http_1_0   ? "1.0 "
                                   : received == Version::http_1_1 ? "1.1 "
                                                                   : "2 ";
  pseudonym = pseudonym.substr(0, kLongest - version.size());
  std::memcpy(value, version.data(), version.size());
  std::memcpy(value + version.size(), pseudonym.data(), pseudonym.size());
  writer.passing_field("Via", std::string_view(value, version.size() + pseudonym.size()));
}

MaxForwards max_forwards(const RequestHead& head) {
  if (head.method != "TRACE" && head.method != "OPTIONS") return {};
  const HeaderField* field = head.headers.find(HeaderId::max_forwards);
  if (field == nullptr) return {};
  const auto left = base::parse_unsigned(field->value);
  if (!left) return {};
  if (*left == 0) return {.action = MaxForwards::Action::respond};
  return {.action = MaxForwards::Action::forward, .value = *left - 1};
}

}  // namespace weir::http
