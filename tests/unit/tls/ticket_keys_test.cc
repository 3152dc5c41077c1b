#include "tls/ticket_keys.h"

#include <gtest/gtest.h>

namespace weir::tls {
namespace {

// 80 bytes of zero.
const std::string kKey = std::string(107, 'A') + "=";

TEST(TicketKeys, AreReadALineEach) {
  auto keys = parse_ticket_keys("# first\n" + kKey + "\r\n\n" + kKey);
  ASSERT_TRUE(keys) << keys.error();
  EXPECT_EQ(keys->size(), 2u);
  EXPECT_EQ(keys->front().mac[31], 0);
}

TEST(TicketKeys, SayWhichLineIsWrong) {
  EXPECT_TRUE(parse_ticket_keys(kKey + "\nshort\n").error().starts_with("line 2 is no key"));
  EXPECT_EQ(parse_ticket_keys("\n").error(), "has no keys");
}

TEST(TicketKeyRing, KeepsTheLastThree) {
  TicketKeyRing ring;
  TicketKey first = ring.keys()->front();
  ring.rotate();
  EXPECT_NE(ring.keys()->front(), first);
  EXPECT_EQ(ring.keys()->back(), first);
  ring.rotate();
  ring.rotate();
  EXPECT_EQ(ring.keys()->size(), 3u);
  EXPECT_NE(ring.keys()->back(), first);
}

}  // namespace
}  // namespace weir::tls
