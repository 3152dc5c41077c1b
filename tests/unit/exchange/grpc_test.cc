#include "exchange/grpc.h"

#include <gtest/gtest.h>

namespace weir::exchange {
namespace {

using namespace std::chrono_literals;

TEST(GrpcTimeout, IsReadInEveryUnit) {
  EXPECT_EQ(parse_grpc_timeout("7n"), 7ns);
  EXPECT_EQ(parse_grpc_timeout("99999999u"), 99'999'999us);
  EXPECT_EQ(parse_grpc_timeout("100m"), 100ms);
  EXPECT_EQ(parse_grpc_timeout("00000002S"), 2s);
  EXPECT_EQ(parse_grpc_timeout("3M"), 3min);
  EXPECT_EQ(parse_grpc_timeout("1H"), 1h);
  EXPECT_EQ(parse_grpc_timeout("0n"), 0ns);
}

TEST(GrpcTimeout, IsNoneWhenNobodyWaitsForIt) {
  EXPECT_EQ(parse_grpc_timeout("99999999H"), kNoGrpcDeadline);
  EXPECT_EQ(parse_grpc_timeout("99999999M"), kNoGrpcDeadline);
  EXPECT_EQ(parse_grpc_timeout("8760H"), 8760h);
}

TEST(GrpcTimeout, IsRefusedInAnyOtherForm) {
  for (const char* value : {"", "S", "5", "5s", "5h", "1 S", " 1S", "1S ", "-1S", "+1S", "1.5S", "123456789n",
                            "000000001S", "1SS", "0x1S", "1ms"}) {
    EXPECT_EQ(parse_grpc_timeout(value), std::nullopt) << value;
  }
}

TEST(GrpcTimeout, IsWrittenWithinEightDigits) {
  base::Arena arena;
  EXPECT_EQ(format_grpc_timeout(1ns, arena), "1n");
  EXPECT_EQ(format_grpc_timeout(-5s, arena), "1n");
  EXPECT_EQ(format_grpc_timeout(99'999'999ns, arena), "99999999n");
  EXPECT_EQ(format_grpc_timeout(100'000'999ns, arena), "100000u");
  EXPECT_EQ(format_grpc_timeout(10s, arena), "10000000u");
  EXPECT_EQ(format_grpc_timeout(8760h, arena), "31536000S");
  for (auto left : {base::Nanoseconds(1), base::Nanoseconds(123'456'789'012), base::Nanoseconds(24h)}) {
    auto again = parse_grpc_timeout(format_grpc_timeout(left, arena));
    ASSERT_TRUE(again);
    EXPECT_LE(*again, left);
    EXPECT_GE(*again, left - left / 100'000);
  }
}

TEST(GrpcMessage, IsPercentEncoded) {
  base::Arena arena;
  EXPECT_EQ(grpc_message("Bad Gateway: none", arena), "Bad Gateway: none");
  EXPECT_EQ(grpc_message("100 %\n\xc3\xa4", arena), "100 %25%0A%C3%A4");
  EXPECT_EQ(grpc_message("", arena), "");
}

}  // namespace
}  // namespace weir::exchange
