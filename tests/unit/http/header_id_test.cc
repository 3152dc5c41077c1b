#include <algorithm>

#include "gtest/gtest.h"

#include "base/text.h"
#include "http/framing.h"
#include "http/message.h"

namespace weir::http {
namespace {

struct Known {
  HeaderId id;
  std::string_view name;
};
constexpr Known kKnown[] = {
#define WEIR_HEADER(id, name) {HeaderId::id, name},
#include "http/known_headers.def"
#undef WEIR_HEADER
};

TEST(HeaderId, IsFoundForEveryKnownNameInAnyCase) {
  for (const Known& known : kKnown) {
    std::string upper(known.name);
    std::ranges::transform(upper, upper.begin(),
                           [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
    EXPECT_EQ(header_id(known.name), known.id) << known.name;
    EXPECT_EQ(header_id(upper), known.id) << known.name;
    EXPECT_EQ(header_name(known.id), known.name);
  }
  EXPECT_EQ(header_name(HeaderId::other), "");
}

TEST(HeaderId, IsOtherForEveryNameThatDiffersInOneByte) {
  for (const Known& known : kKnown) {
    for (std::size_t place = 0; place < known.name.size(); ++place) {
      for (int byte = 0; byte < 256; ++byte) {
        std::string name(known.name);
        name[place] = static_cast<char>(byte);
        const bool same = base::equal_ignoring_case(name, known.name);
        const HeaderId id = header_id(name);
        if (same) EXPECT_EQ(id, known.id) << name;
        if (!same && id != HeaderId::other) EXPECT_TRUE(base::equal_ignoring_case(name, header_name(id))) << name;
      }
    }
  }
}

TEST(HeaderId, IsOtherForShorterAndLongerNames) {
  EXPECT_EQ(header_id(""), HeaderId::other);
  for (const Known& known : kKnown) {
    EXPECT_EQ(header_id(std::string(known.name) + "x"), HeaderId::other) << known.name;
    EXPECT_EQ(header_id(known.name.substr(1)), HeaderId::other) << known.name;
  }
  EXPECT_EQ(header_id(std::string(70000, 'x')), HeaderId::other);
}

TEST(HeaderId, ComesFirstForTheFieldsThatDecideFraming) {
  for (const Known& known : kKnown) {
    const bool framing = known.id == HeaderId::host || known.id == HeaderId::connection ||
                         known.id == HeaderId::content_length || known.id == HeaderId::transfer_encoding ||
                         known.id == HeaderId::expect || known.id == HeaderId::upgrade;
    EXPECT_EQ(FramingFields::concerns(known.id), framing) << known.name;
  }
  EXPECT_FALSE(FramingFields::concerns(HeaderId::other));
}

}  // namespace
}  // namespace weir::http
