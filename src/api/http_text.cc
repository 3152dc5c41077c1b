#include "api/http_text.h"

#include <fmt/format.h>

#include "base/text.h"

namespace weir::api {
namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  char lower = base::ascii_lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// Takes the text before `separator` off the front of `rest`.
std::string_view take(std::string_view& rest, char separator) {
  auto end = rest.find(separator);
  std::string_view first = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  return first;
}

// True for "q=0", "q=0.0", "q=0.000".
bool is_zero_weight(std::string_view parameter) {
  parameter = base::trim(parameter);
  if (parameter.size() < 3 || base::ascii_lower(parameter[0]) != 'q' || parameter[1] != '=') return false;
  return parameter.substr(2).find_first_not_of("0.") == std::string_view::npos;
}

}  // namespace

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return {};
    int high = hex_value(text[i + 1]), low = hex_value(text[i + 2]);
    if (high < 0 || low < 0) return {};
    decoded += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return decoded;
}

std::string percent_encoded(std::string_view text) {
  std::string encoded;
  for (char c : text) {
    char lower = base::ascii_lower(c);
    bool plain = (c >= '0' && c <= '9') || (lower >= 'a' && lower <= 'z') ||
                 std::string_view("-._~:").find(c) != std::string_view::npos;
    if (plain) {
      encoded += c;
    } else {
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return encoded;
}

std::optional<std::map<std::string, std::string>> parse_query(std::string_view query) {
  std::map<std::string, std::string> parameters;
  while (!query.empty()) {
    std::string_view part = take(query, '&');
    if (part.empty()) continue;
    std::optional<std::string> name = percent_decoded(take(part, '='));
    std::optional<std::string> value = percent_decoded(part);
    if (!name || !value || !parameters.emplace(std::move(*name), std::move(*value)).second) return {};
  }
  return parameters;
}

bool contains_word(std::string_view words, std::string_view word) {
  while (!words.empty()) {
    if (take(words, ' ') == word) return true;
  }
  return false;
}

bool is_json_type(std::string_view content_type) {
  std::string_view type = base::trim(take(content_type, ';'));
  return base::equal_ignoring_case(type, "application/json") ||
         base::equal_ignoring_case(type, "application/merge-patch+json");
}

bool accepts(std::string_view accept, std::string_view media_type) {
  if (base::trim(accept).empty()) return true;
  std::string_view major = media_type.substr(0, media_type.find('/'));
  int best = -1;  // how specific the range that decides is: 0 for */*, 1 for type/*, 2 for the type itself
  bool taken = false;
  while (!accept.empty()) {
    std::string_view range = take(accept, ',');
    std::string_view type = base::trim(take(range, ';'));
    int specific = -1;
    if (type == "*/*") specific = 0;
    if (type.ends_with("/*") && base::equal_ignoring_case(type.substr(0, type.size() - 2), major)) specific = 1;
    if (base::equal_ignoring_case(type, media_type)) specific = 2;
    if (specific <= best) continue;
    best = specific;
    taken = true;
    while (!range.empty()) {
      if (is_zero_weight(take(range, ';'))) taken = false;
    }
  }
  return taken;
}

bool matches_etag(std::string_view if_match, std::string_view etag) {
  while (!if_match.empty()) {
    std::string_view candidate = base::trim(take(if_match, ','));
    if (!etag.empty() && (candidate == "*" || candidate == etag)) return true;
  }
  return false;
}

bool excludes_etag(std::string_view if_none_match, std::string_view etag) {
  while (!if_none_match.empty()) {
    std::string_view candidate = base::trim(take(if_none_match, ','));
    if (candidate.starts_with("W/")) candidate.remove_prefix(2);
    if (!etag.empty() && (candidate == "*" || candidate == etag)) return true;
  }
  return false;
}

}  // namespace weir::api
