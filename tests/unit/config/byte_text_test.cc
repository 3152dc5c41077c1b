#include "config/byte_text.h"

#include "gtest/gtest.h"

namespace weir::config {
namespace {

TEST(BytesOfText, TakesEscapes) {
  EXPECT_EQ(bytes_of_text(R"(PING\r\n\t\0\\\x7fE)").value(), std::string("PING\r\n\t\0\\\x7f"
                                                                         "E",
                                                                         11));
  EXPECT_EQ(bytes_of_text("").value(), "");
}

TEST(BytesOfText, TakesHexadecimalDigits) {
  EXPECT_EQ(bytes_of_text("hex:00 ffAb").value(), std::string("\0\xff\xab", 3));
  EXPECT_EQ(bytes_of_text("hex:").value(), "");
}

TEST(BytesOfText, NamesWhatIsWrong) {
  EXPECT_EQ(bytes_of_text(R"(a\q)").error(), R"('\\q' is no escape; known are \r \n \t \0 \\ and \xHH)");
  EXPECT_EQ(bytes_of_text(R"(a\)").error(), R"('\\' is no escape; known are \r \n \t \0 \\ and \xHH)");
  EXPECT_EQ(bytes_of_text(R"(\x1g)").error(), R"('\\x1g' is no escape; known are \r \n \t \0 \\ and \xHH)");
  EXPECT_EQ(bytes_of_text("hex:1").error(), "'hex:1' is not `hex:` and pairs of hexadecimal digits");
}

}  // namespace
}  // namespace weir::config
