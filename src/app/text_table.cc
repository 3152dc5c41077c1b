#include "app/text_table.h"

#include <algorithm>

#include "base/assert.h"
#include "base/text.h"

namespace weir::app {
namespace {

bool is_number(std::string_view cell) {
  bool digits_only = std::ranges::all_of(cell, [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
  return cell == "-" || (!cell.empty() && digits_only && std::ranges::count(cell, '.') <= 1);
}

// Columns that a terminal gives the text: one for every character.
std::size_t width(std::string_view text) {
  std::size_t columns = 0;
  while (!text.empty()) {
    text.remove_prefix(std::max<std::size_t>(1, base::utf8_length(text)));
    ++columns;
  }
  return columns;
}

}  // namespace

std::string printable(std::string_view text) {
  std::string safe(text);
  std::ranges::replace_if(safe, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
  return safe;
}

void TextTable::add(std::vector<std::string> row) {
  WEIR_ASSERT(row.size() == rows_.front().size());
  for (std::string& cell : row) cell = printable(cell);
  rows_.push_back(std::move(row));
}

std::string TextTable::text() const {
  std::size_t columns = rows_.front().size();
  std::vector<std::size_t> widths(columns);
  std::vector<bool> at_right(columns, !empty());
  for (std::size_t r = 0; r < rows_.size(); ++r) {
    for (std::size_t c = 0; c < columns; ++c) {
      widths[c] = std::max(widths[c], width(rows_[r][c]));
      if (r > 0 && !is_number(rows_[r][c])) at_right[c] = false;
    }
  }
  std::string out;
  for (const std::vector<std::string>& row : rows_) {
    std::string line;
    for (std::size_t c = 0; c < columns; ++c) {
      std::string padding(widths[c] - width(row[c]), ' ');
      if (c > 0) line += "  ";
      line += at_right[c] ? padding + row[c] : row[c] + padding;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

}  // namespace weir::app
