// From a field name to its HeaderId: a perfect hash that the compiler finds from known_headers.def.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>

#include "http/message.h"

namespace weir::http::lookup {

inline constexpr std::size_t kMaxNameBytes = 24;

// Up to 24 bytes as three words whose loads overlap, so that no byte outside the text is read.
struct Words {
  std::uint64_t first = 0;
  std::uint64_t middle = 0;  // only above 16 bytes
  std::uint64_t last = 0;
};

template <typename Word>
constexpr std::uint64_t load(const char* at) {
  if (std::is_constant_evaluated()) {
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < sizeof(Word); ++i) word |= std::uint64_t{static_cast<unsigned char>(at[i])} << (8 * i);
    return word;
  }
  Word word;
  std::memcpy(&word, at, sizeof word);
  return word;
}

constexpr Words words_of(const char* at, std::size_t size) {
  if (size > 16) return {load<std::uint64_t>(at), load<std::uint64_t>(at + 8), load<std::uint64_t>(at + size - 8)};
  if (size >= 8) return {load<std::uint64_t>(at), 0, load<std::uint64_t>(at + size - 8)};
  if (size >= 4) return {load<std::uint32_t>(at), 0, load<std::uint32_t>(at + size - 4)};
  return {load<std::uint8_t>(at), load<std::uint8_t>(at + size / 2), load<std::uint8_t>(at + size - 1)};
}

constexpr std::uint32_t hash(const char* at, std::size_t size, std::uint32_t factor) {
  const auto first = static_cast<unsigned char>(at[0] | 0x20);
  const auto last = static_cast<unsigned char>(at[size - 1] | 0x20);
  return ((first | std::uint32_t{last} << 8 | static_cast<std::uint32_t>(size) << 16) * factor) >> 24;
}

struct Entry {
  Words text;        // in lower case
  Words lower_bits;  // 0x20 where the byte is a letter: or-ed to a name it lowers those bytes and no others
  std::uint8_t size = 0;
  HeaderId id = HeaderId::other;
};

struct Table {
  std::uint32_t factor = 0;
  std::array<Entry, 256> entries{};
};

inline constexpr std::string_view kNames[] = {
    "",
#define WEIR_HEADER(id, name) name,
#include "http/known_headers.def"
#undef WEIR_HEADER
};

// Tries factors until all names fall on different entries.
constexpr Table make_table() {
  for (std::uint32_t factor = 0x9e3779b1;; factor = factor * 1664525 + 1013904223) {
    std::array<bool, 256> taken{};
    bool clash = false;
    for (std::size_t i = 1; i < std::size(kNames) && !clash; ++i) {
      const std::uint32_t at = hash(kNames[i].data(), kNames[i].size(), factor);
      clash = taken[at];
      taken[at] = true;
    }
    if (clash) continue;
    Table table;
    table.factor = factor;
    for (std::size_t i = 1; i < std::size(kNames); ++i) {
      const std::string_view name = kNames[i];
      char lower_bits[kMaxNameBytes] = {};
      for (std::size_t j = 0; j < name.size(); ++j) lower_bits[j] = name[j] >= 'a' && name[j] <= 'z' ? 0x20 : 0;
      table.entries[hash(name.data(), name.size(), factor)] = {
          .text = words_of(name.data(), name.size()),
          .lower_bits = words_of(lower_bits, name.size()),
          .size = static_cast<std::uint8_t>(name.size()),
          .id = static_cast<HeaderId>(i),
      };
    }
    return table;
  }
}
inline constexpr Table kTable = make_table();

inline HeaderId find(const char* name, std::size_t size) {
  if (size == 0) return HeaderId::other;
  const Entry& entry = kTable.entries[hash(name, size, kTable.factor)];
  if (entry.size != size) return HeaderId::other;
  const Words words = words_of(name, size);
  const std::uint64_t differ = ((words.first | entry.lower_bits.first) ^ entry.text.first) |
                               ((words.middle | entry.lower_bits.middle) ^ entry.text.middle) |
                               ((words.last | entry.lower_bits.last) ^ entry.text.last);
  return differ == 0 ? entry.id : HeaderId::other;
}

}  // namespace weir::http::lookup
