// Request targets: the parts of an accepted one make up the whole, and its normal path is normal. The first byte
// chooses the method.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "http/chars.h"
#include "http/query.h"
#include "http/target.h"

namespace weir::http {
namespace {

void check_normal_path(std::string_view path) {
  base::Arena arena;
  const PathForm form = canonical_path(path, kPathAsWritten, arena);
  if (form.fault != nullptr) return;  // dot segments with parameters
  const std::string_view normal = form.clean;
  WEIR_ASSERT(normal.size() <= path.size() || normal == "/");
  WEIR_ASSERT(normal.starts_with('/'));
  WEIR_ASSERT(check_path(normal) == nullptr);
  WEIR_ASSERT(normalized_path(normal, arena) == normal);
  const std::string segments = std::string(normal) + "/";
  WEIR_ASSERT(segments.find("/./") == std::string::npos && segments.find("/../") == std::string::npos);
  for (std::size_t at = normal.find('%'); at != std::string_view::npos; at = normal.find('%', at + 1)) {
    const int byte = hex_value(normal[at + 1]) * 16 + hex_value(normal[at + 2]);
    WEIR_ASSERT(byte > 0 && !is_char(static_cast<char>(byte), kUnreservedChar));
  }
}

// By all rules that a listener can have.
void check_canonical_path(std::string_view path) {
  base::Arena arena;
  for (unsigned each = 0; each < 18; ++each) {
    const PathRules rules{.merge_slashes = each % 2 == 0,
                          .encoded_slash = static_cast<EncodedSlash>(each / 2 % 3),
                          .parameters = static_cast<PathParameters>(each / 6)};
    const PathForm form = canonical_path(path, rules, arena);
    if (form.fault != nullptr) continue;
    WEIR_ASSERT(form.clean.starts_with('/') && form.routed.starts_with('/'));
    WEIR_ASSERT(check_path(form.clean) == nullptr && check_path(form.routed) == nullptr);
    WEIR_ASSERT(std::ranges::count(form.clean, '/') == std::ranges::count(form.routed, '/'));
    const PathForm again = canonical_path(form.clean, rules, arena);
    WEIR_ASSERT(again.fault == nullptr && again.clean == form.clean && again.routed == form.routed);
    const PathForm routed = canonical_path(form.routed, rules, arena);
    WEIR_ASSERT(routed.fault == nullptr && routed.routed == form.routed);
    if (rules.merge_slashes) WEIR_ASSERT(!form.routed.contains("//"));
    if (rules.encoded_slash != EncodedSlash::keep) WEIR_ASSERT(!form.routed.contains("%2F"));
    if (rules.parameters != PathParameters::keep)
      WEIR_ASSERT(!form.routed.contains(';') && !form.routed.contains("%3B"));
  }
}

void check_target(std::string_view method, std::string_view text) {
  Target target;
  if (parse_target(method, text, target) != nullptr) return;
  WEIR_ASSERT(!text.empty() && all_chars(text, kTargetChar));
  std::string joined;
  if (target.form == TargetForm::absolute) joined.append(target.scheme).append("://").append(target.authority);
  if (target.form == TargetForm::authority) joined.append(target.authority);
  // The one part that need not stand in the text: the path of a URL that has none.
  const bool path_stands = target.path.data() >= text.data() && target.path.data() < text.data() + text.size();
  if (path_stands) joined.append(target.path);
  if (target.has_query) joined.append("?").append(target.query);
  WEIR_ASSERT(joined == text);
  if (target.path.starts_with('/')) {
    check_normal_path(target.path);
    check_canonical_path(target.path);
  }
  base::Arena arena;
  for (std::string_view rest = target.query; auto parameter = next_parameter(rest);) {
    const std::string_view name = decode_parameter(parameter->name, arena);
    WEIR_ASSERT(decodes_to(parameter->name, name));
    WEIR_ASSERT(find_parameter(target.query, name).has_value());
  }
}

}  // namespace
}  // namespace weir::http

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  constexpr std::string_view kMethods[] = {"GET", "OPTIONS", "CONNECT", "POST"};
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  weir::http::check_target(kMethods[data[0] % 4], text);
  return 0;
}
