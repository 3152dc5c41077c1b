#include "net/crc32c.h"

#include <array>

namespace weir::net {
namespace {

// The effect of each byte on the remainder: the polynomial 0x1EDC6F41 with its bits reversed.
constexpr std::array<std::uint32_t, 256> kTable = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < table.size(); ++i) {
    std::uint32_t remainder = i;
    for (int bit = 0; bit < 8; ++bit) remainder = (remainder >> 1) ^ ((remainder & 1) != 0 ? 0x82F63B78u : 0u);
    table[i] = remainder;
  }
  return table;
}();

}  // namespace

std::uint32_t crc32c(std::string_view bytes, std::uint32_t before) {
  std::uint32_t remainder = ~before;
  for (char byte : bytes) remainder = (remainder >> 8) ^ kTable[(remainder ^ static_cast<std::uint8_t>(byte)) & 0xff];
  return ~remainder;
}

}  // namespace weir::net
