#include "http/websocket.h"

#include <string>

#include "gtest/gtest.h"

#include "http/websocket_frames.h"

namespace weir::http {
namespace {

TEST(Websocket, AcceptsTheKeyOfTheRfc) {
  base::Arena arena;
  EXPECT_EQ(websocket_accept("dGhlIHNhbXBsZSBub25jZQ==", arena), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST(Websocket, MakesKeysOfSixteenBytes) {
  base::Arena arena;
  EXPECT_EQ(websocket_key(0, 0, arena), "AAAAAAAAAAAAAAAAAAAAAA==");
  EXPECT_EQ(websocket_key(~0ull, ~0ull, arena), "/////////////////////w==");
}

TEST(WebsocketFrames, KnowsWhereFramesEndHoweverTheyArrive) {
  // A text of 5 bytes, masked; 300 bytes; 70,000 bytes; then Close.
  std::string bytes = std::string("\x81\x85mask", 6) + "hello" + std::string("\x82\x7e\x01\x2c", 4) +
                      std::string(300, 'x') + std::string("\x82\x7f\0\0\0\0\0\x01\x11\x70", 10) +
                      std::string(70'000, 'y');
  const std::string close("\x88\x02\x03\xe9", 4);
  for (std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{4096}, bytes.size()}) {
    WebsocketFrames frames;
    int boundaries = 0;
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
      frames.take(std::string_view(bytes).substr(at, piece));
      boundaries += frames.at_boundary();
    }
    EXPECT_TRUE(frames.at_boundary());
    EXPECT_FALSE(frames.closed());
    if (piece == 1) EXPECT_EQ(boundaries, 3);
    frames.take(close);
    EXPECT_TRUE(frames.closed());
  }
}

}  // namespace
}  // namespace weir::http
