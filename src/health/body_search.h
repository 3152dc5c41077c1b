// Looks for a text in the body of a response.
#pragma once

#include <string>
#include <string_view>

#include "health/http_check_options.h"

namespace weir::health {

// Searches a body that comes in pieces.
class BodySearch {
 public:
  explicit BodySearch(std::string_view wanted) : wanted_(wanted) {}
  // Takes what fits into the limit. True once the text has been seen.
  bool add(std::string_view piece) {
    std::size_t from = seen_.size() < wanted_.size() ? 0 : seen_.size() - wanted_.size() + 1;
    seen_.append(piece.substr(0, kBodyLimitBytes - seen_.size()));
    return found_ = found_ || seen_.find(wanted_, from) != std::string::npos;
  }
  bool found() const { return found_; }
  bool full() const { return seen_.size() == kBodyLimitBytes; }

 private:
  std::string_view wanted_;
  std::string seen_;
  bool found_ = false;
};

}  // namespace weir::health
