// Which HTTP status codes a probe accepts.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"

namespace weir::health {

// Ranges of status codes, written "200" or "200-299", each within 100..599.
class StatusRanges {
 public:
  // The error names the text that is no range. An empty list is an error as well: nothing would ever be healthy.
  static base::Checked<StatusRanges> parse(std::span<const std::string> texts);
  bool contains(std::uint16_t status) const;
  // As written: "200-299, 304".
  const std::string& text() const { return text_; }

 private:
  struct Range {
    std::uint16_t low;
    std::uint16_t high;
  };
  std::vector<Range> ranges_;
  std::string text_;
};

}  // namespace weir::health
