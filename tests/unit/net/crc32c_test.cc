#include "net/crc32c.h"

#include <gtest/gtest.h>
#include <string>

namespace weir::net {
namespace {

// RFC 3720 B.4, and the check value of the catalogue of parametrised CRC algorithms.
TEST(Crc32c, AgreesWithKnownValues) {
  EXPECT_EQ(crc32c("123456789"), 0xE3069283u);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAu);
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62A8AB43u);
  std::string rising, falling;
  for (char i = 0; i < 32; ++i) {
    rising.push_back(i);
    falling.push_back(static_cast<char>(31 - i));
  }
  EXPECT_EQ(crc32c(rising), 0x46DD794Eu);
  EXPECT_EQ(crc32c(falling), 0x113FDB5Cu);
  EXPECT_EQ(crc32c(""), 0u);
}

TEST(Crc32c, GoesOnFromAnEarlierPart) { EXPECT_EQ(crc32c("456789", crc32c("123")), crc32c("123456789")); }

}  // namespace
}  // namespace weir::net
