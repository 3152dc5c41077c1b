#include "health/printable.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/text.h"

namespace weir::health {

std::string printable(std::string_view text) {
  constexpr std::size_t kLongest = 200;
  std::string line;
  std::string_view rest = text.substr(0, kLongest);
  while (!rest.empty()) {
    auto byte = static_cast<unsigned char>(rest.front());
    std::size_t length = byte < 0x20 || byte == 0x7f ? 0 : base::utf8_length(rest);
    if (length == 0) line += fmt::format("\\x{:02x}", byte);
    line.append(rest, 0, length);
    rest.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return text.size() > kLongest ? line + "..." : line;
}

}  // namespace weir::health
