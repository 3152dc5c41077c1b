// Columns of text, aligned for people.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace weir::app {

// Rows of equally many cells; the first row is the heading. A column of nothing but numbers stands at the right, every
// other at the left. Control bytes in a cell are shown as '?', so that no name from elsewhere can steer a terminal.
class TextTable {
 public:
  explicit TextTable(std::vector<std::string> heading) { rows_.push_back(std::move(heading)); }
  // `row` has as many cells as the heading.
  void add(std::vector<std::string> row);
  bool empty() const { return rows_.size() == 1; }
  // Every line ends in a newline and none in a space.
  std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

// `text` with every control byte as '?'.
std::string printable(std::string_view text);

}  // namespace weir::app
