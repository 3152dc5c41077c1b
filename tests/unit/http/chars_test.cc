// The scans over bytes, held against the table that they are short for.
#include "http/chars.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <memory>
#include <string>

namespace weir::http {
namespace {

using Scan = const char* (*)(const char*, const char*);

struct Case {
  const char* name;
  Scan scan;
  CharClass wanted;
  char usual;
};

class Scans : public testing::TestWithParam<Case> {};

// In memory of exactly that size, so that AddressSanitizer sees a read beyond either end.
TEST_P(Scans, FindTheFirstByteThatIsNotOfTheClass) {
  const Case& of = GetParam();
  for (std::size_t size = 0; size <= 40; ++size) {
    std::unique_ptr<char[]> text(new char[size]);
    const char* end = text.get() + size;
    std::fill_n(text.get(), size, of.usual);
    EXPECT_EQ(of.scan(text.get(), end), end) << size;
    for (std::size_t place = 0; place < size; ++place) {
      for (int byte = 0; byte < 256; ++byte) {
        text[place] = static_cast<char>(byte);
        ASSERT_EQ(of.scan(text.get(), end), scan_by_table(text.get(), end, of.wanted))
            << size << " bytes, at " << place << " the byte " << byte;
      }
      text[place] = of.usual;
    }
  }
}

// Two bytes that are not of the class: the first one counts.
TEST_P(Scans, StopAtTheFirstOfSeveral) {
  const Case& of = GetParam();
  for (std::size_t size = 2; size <= 40; ++size) {
    for (std::size_t place = 0; place + 1 < size; ++place) {
      std::string text(size, of.usual);
      text[place] = text[size - 1] = '\r';
      EXPECT_EQ(of.scan(text.data(), text.data() + size), text.data() + place) << size << ", " << place;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, Scans,
                         testing::Values(Case{"token", scan_token, kTokenChar, 'x'},
                                         Case{"lower_token", scan_lower_token, kLowerTokenChar, '-'},
                                         Case{"field_value", scan_field_value, kFieldChar, ' '},
                                         Case{"target", scan_target, kTargetChar, '/'},
                                         Case{"dark", scan_dark, kDarkChar, '\xe4'}),
                         [](const testing::TestParamInfo<Case>& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace weir::http
