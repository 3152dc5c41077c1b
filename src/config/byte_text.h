// Bytes that something sends or expects, as configurations write them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace weir::config {

// Pairs of hexadecimal digits, with spaces between bytes where people like them. Nothing when it is not that.
std::optional<std::string> bytes_of_hex(std::string_view text);

// Text with the escapes \r \n \t \0 \\ and \xHH (HH two hexadecimal digits), or "hex:" and pairs of hexadecimal digits.
// The error says where the text is wrong and what would be right.
base::Checked<std::string> bytes_of_text(std::string_view text);

}  // namespace weir::config
