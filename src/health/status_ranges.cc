#include "health/status_ranges.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/error.h"
#include "base/text.h"

namespace weir::health {

base::Checked<StatusRanges> StatusRanges::parse(std::span<const std::string> texts) {
  if (texts.empty()) return std::unexpected("at least one status is needed, such as 200-299");
  StatusRanges result;
  for (const std::string& text : texts) {
    std::string_view range = base::trim(text);
    std::size_t dash = range.find('-');
    std::string_view low_text = base::trim(range.substr(0, dash));
    std::string_view high_text = dash == std::string_view::npos ? low_text : base::trim(range.substr(dash + 1));
    std::optional<std::uint64_t> low = base::parse_unsigned(low_text, 599);
    std::optional<std::uint64_t> high = base::parse_unsigned(high_text, 599);
    if (!low || !high || *low < 100 || *low > *high) {
      return std::unexpected(
          fmt::format("'{}' is no status or range of statuses within 100-599, such as 200-299", text));
    }
    result.ranges_.push_back({static_cast<std::uint16_t>(*low), static_cast<std::uint16_t>(*high)});
    if (!result.text_.empty()) result.text_ += ", ";
    result.text_ += range;
  }
  return result;
}

bool StatusRanges::contains(std::uint16_t status) const {
  return std::ranges::any_of(ranges_, [=](Range range) { return range.low <= status && status <= range.high; });
}

}  // namespace weir::health
