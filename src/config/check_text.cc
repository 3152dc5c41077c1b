// Rules for single texts.
#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <re2/re2.h>

#include "base/text.h"
#include "config/checks.h"
#include "config/reader.h"
#include "config/validate.h"

namespace weir::config {
namespace {

bool is_letter_or_digit(char c) {
  return (c >= '0' && c <= '9') || (base::ascii_lower(c) >= 'a' && base::ascii_lower(c) <= 'z');
}

bool is_label(std::string_view label) {
  auto allowed = [](char c) { return is_letter_or_digit(c) || c == '-' || c == '_'; };
  return !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
         std::ranges::all_of(label, allowed);
}

}  // namespace

bool has_control_bytes(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

bool is_token(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() &&
         std::ranges::all_of(text, [&](char c) { return is_letter_or_digit(c) || kMarks.find(c) != kMarks.npos; });
}

bool is_own_header(std::string_view name) {
  constexpr std::array<std::string_view, 9> kNames{"connection", "keep-alive",        "proxy-connection",
                                                   "te",         "transfer-encoding", "upgrade",
                                                   "trailer",    "content-length",    "expect"};
  return std::ranges::any_of(kNames, [&](std::string_view own) { return base::equal_ignoring_case(own, name); });
}

bool is_host_name(std::string_view text) {
  if (text.ends_with('.')) text.remove_suffix(1);
  if (text.empty() || text.size() > 253) return false;
  while (true) {
    auto dot = text.find('.');
    if (!is_label(text.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

std::string address_hint(std::string_view address) {
  if (auto end = address.find("://"); end != std::string_view::npos) {
    return fmt::format("; write host and port without '{}'", address.substr(0, end + 3));
  }
  auto colon = address.rfind(':');
  if (colon == std::string_view::npos || address.starts_with('[') || address.find(':') == colon) return {};
  const std::string_view host = address.substr(0, colon), port = address.substr(colon + 1);
  if (!base::IpAddress::parse(host) || !base::parse_unsigned(port, 65535)) return {};
  return fmt::format("; an IPv6 address with a port is written with brackets: [{}]:{}", host, port);
}

base::Checked<void> check_regex(std::string_view expression) {
  RE2::Options options(RE2::Latin1);
  options.set_log_errors(false);
  options.set_max_mem(kMaxExpressionBytes);
  RE2 compiled(re2::StringPiece(expression.data(), expression.size()), options);
  if (compiled.error_code() == RE2::ErrorPatternTooLarge) {
    return std::unexpected(
        fmt::format("{} is too large: an expression may take {} KB once compiled; repeat less, or make several "
                    "routes of it",
                    quoted(expression), kMaxExpressionBytes >> 10));
  }
  if (compiled.ok()) return {};
  return std::unexpected(fmt::format("{} is no RE2 expression: {}", quoted(expression), compiled.error()));
}

base::Checked<void> check_substitution(std::string_view expression, std::string_view substitution) {
  RE2::Options options(RE2::Latin1);
  options.set_log_errors(false);
  RE2 compiled(re2::StringPiece(expression.data(), expression.size()), options);
  std::string why;
  bool fits = !compiled.ok() || compiled.CheckRewriteString({substitution.data(), substitution.size()}, &why);
  if (fits) return {};
  return std::unexpected(fmt::format("{} does not fit path_regex: {}", quoted(substitution), why));
}

base::Checked<void> check_name(std::string_view name) {
  auto allowed = [](char c) {
    return is_letter_or_digit(c) || std::string_view("._-/").find(c) != std::string_view::npos;
  };
  // "." and ".." are no segment of a path: the API could not be asked for them.
  const bool is_dots = name == "." || name == "..";
  if (!name.empty() && !is_dots && name.size() <= 128 && std::ranges::all_of(name, allowed)) return {};
  return std::unexpected(fmt::format(
      "must be 1 to 128 letters, digits, '.', '_', '-' or '/', and neither '.' nor '..', not {}", quoted(name)));
}

void check_name(const Place& place, std::string_view key, std::string_view name) {
  if (auto good = check_name(name); !good) place.fault(key, std::move(good.error()));
}

}  // namespace weir::config
