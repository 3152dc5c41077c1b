#include "http2/connection.h"

#include <unistd.h>

#include "base/function.h"
#include "tests/unit/http2/pair.h"

namespace weir::http2 {
namespace {

// A client of frames written by hand.
class RawClient : public H2Test {
 protected:
  explicit RawClient(const Settings& settings = {}) { begin(settings); }
  ~RawClient() override {
    if (fd_ >= 0) ::close(fd_);
    join(server_->group);
  }
  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
      if (sent <= 0 && server_->ended) return;
      reactor_.run_once(base::now() + 1ms);
      receive();
    }
  }
  void receive() {
    char bytes[65536];
    ssize_t got;
    while ((got = ::recv(fd_, bytes, sizeof bytes, 0)) > 0) {
      ++reads_;
      input_.append(bytes, static_cast<std::size_t>(got));
    }
    if (got == 0) closed_ = true;
    while (input_.size() >= 9) {
      std::size_t size = read_u32(std::string(1, '\0') + input_.substr(0, 3));
      if (input_.size() < 9 + size) return;
      frames_.push_back({static_cast<std::uint8_t>(input_[3]), static_cast<std::uint8_t>(input_[4]),
                         read_u32(input_.substr(5, 4)), input_.substr(9, size)});
      input_.erase(0, 9 + size);
    }
  }
  // Runs until a frame of that type (and stream) has come; a copy of the last one.
  std::optional<Frame> wait_for(std::uint8_t type, std::uint32_t stream = 0) {
    std::optional<Frame> found;
    run(
        [&] {
          receive();
          for (const Frame& one : frames_) {
            if (one.type == type && one.stream == stream) found = one;
          }
          return found || closed_;
        },
        3s);
    return found;
  }
  std::size_t count(std::uint8_t type, std::uint32_t stream) {
    std::size_t total = 0;
    for (const Frame& one : frames_) total += one.type == type && one.stream == stream;
    return total;
  }
  std::uint32_t goaway_code() {
    std::optional<Frame> goaway = wait_for(7);
    return goaway ? read_u32(goaway->payload.substr(4, 4)) : UINT32_MAX;
  }
  std::uint32_t reset_code(std::uint32_t stream) {
    std::optional<Frame> reset = wait_for(3, stream);
    return reset ? read_u32(reset->payload) : UINT32_MAX;
  }
  void begin(const Settings& settings = {}) {
    int fds[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    fd_ = fds[0];
    server_ = std::make_unique<TestServer>(net::TcpStream::adopt(fds[1]), settings);
  }
  // Another connection.
  void begin_again() {
    ::close(fd_);
    join(server_->group);
    begin();
    frames_.clear(), input_.clear(), closed_ = false;
  }
  void settle() {
    for (int i = 0; i < 5; ++i) reactor_.run_once(base::now() + 1ms);
    receive();
  }

  int fd_ = -1;
  std::unique_ptr<TestServer> server_;
  std::string input_;
  std::vector<Frame> frames_;
  bool closed_ = false;
  int reads_ = 0;
};

TEST_F(RawClient, AnswersARequest) {
  send(kPreface + get(1, "/5"));
  std::optional<Frame> head = wait_for(1, 1);
  ASSERT_TRUE(head);
  EXPECT_EQ(head->payload[0], '\x88');  // :status 200 of the static table (RFC 7541 appendix A)
  std::optional<Frame> data = wait_for(0, 1);
  ASSERT_TRUE(data);
  EXPECT_EQ(data->payload, "xxxxx");
  EXPECT_EQ(data->flags, 1);
  EXPECT_EQ(frames_[0].type, 4) << "SETTINGS come first (RFC 9113 3.4)";
}

TEST_F(RawClient, AllAnswersOfARoundLeaveInOneWrite) {
  send(kPreface);
  settle();
  std::string requests;
  for (std::uint32_t i = 0; i < 32; ++i) requests += get(1 + 2 * i, "/3");
  reads_ = 0;
  ASSERT_EQ(::send(fd_, requests.data(), requests.size(), 0), static_cast<ssize_t>(requests.size()));
  reactor_.run_once(base::now() + 100ms);
  receive();
  EXPECT_EQ(reads_, 1);
  EXPECT_EQ(count(0, 63), 1u);
}

TEST_F(RawClient, ResetsAMalformedRequestAndGoesOn) {
  send(kPreface +
       frame(1, 5, 1,
             literal({{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/"}, {"X-Up", "a"}})));
  EXPECT_EQ(reset_code(1), 1u);
  EXPECT_EQ(server_->served, 0);
  EXPECT_EQ(server_->malformed, 1) << "for the log";
  send(get(3, "/1"));
  EXPECT_TRUE(wait_for(0, 3));
}

TEST_F(RawClient, ResetsABodyThatIsNotAsLongAsItSaid) {
  auto post = [](std::uint32_t stream, const std::string& length) {
    return frame(1, 4, stream,
                 literal({{":method", "POST"},
                          {":scheme", "http"},
                          {":authority", "a"},
                          {":path", "/echo"},
                          {"content-length", length}}));
  };
  send(kPreface + post(1, "5") + frame(0, 1, 1, "abc"));
  EXPECT_EQ(reset_code(1), 1u);
  send(post(3, "2") + frame(0, 0, 3, "abc"));
  EXPECT_EQ(reset_code(3), 1u);
  send(post(5, "3") + frame(0, 1, 5, "abc"));
  ASSERT_TRUE(wait_for(0, 5));
  EXPECT_EQ(wait_for(0, 5)->payload, "abc");
}

TEST_F(RawClient, SendsNoMoreThanTheWindowAllows) {
  send(kPreface + get(1, "/100000"));
  ASSERT_TRUE(wait_for(0, 1));
  settle();
  std::size_t bytes = 0;
  for (const Frame& one : frames_) bytes += one.type == 0 ? one.payload.size() : 0;
  EXPECT_EQ(bytes, 65535u);
  send(get(3, "/wait"));
  send(frame(8, 0, 0, u32(100000)) + frame(8, 0, 1, u32(100000)));
  run([&] {
    receive();
    return frames_.back().type == 0 && frames_.back().flags == 1;
  });
  EXPECT_EQ(frames_.back().stream, 1u);
}

TEST_F(RawClient, AStalledStreamDoesNotHoldUpItsSiblings) {
  // Stream 1 may not send anything; stream 3 may.
  send(kPreface + frame(4, 0, 0, std::string("\0\4", 2) + u32(0)) + get(1, "/1000"));
  settle();
  send(frame(4, 0, 0, std::string("\0\4", 2) + u32(10)) + get(3, "/10"));
  ASSERT_TRUE(wait_for(0, 3));
  EXPECT_EQ(wait_for(0, 3)->flags, 1);
}

TEST_F(RawClient, TrailersFollowTheBody) {
  send(kPreface +
       frame(1, 4, 1, literal({{":method", "POST"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/echo"}})) +
       frame(0, 0, 1, "abc") + frame(1, 5, 1, literal({{"x-t", "1"}})));
  run([&] {
    receive();
    return count(1, 1) == 2;
  });
  ASSERT_EQ(count(1, 1), 2u);
  EXPECT_EQ(frames_.back().flags, 5);
}

TEST_F(RawClient, RapidResetsEndInCalm) {
  send(kPreface);
  std::string burst;
  for (std::uint32_t i = 0; i < 400; ++i) burst += get(1 + 2 * i, "/wait") + frame(3, 0, 1 + 2 * i, u32(8));
  send(burst);
  EXPECT_EQ(goaway_code(), 11u);
  run([&] { return server_->ended; }, 5s);
  EXPECT_LE(server_->begun, 210);
}

TEST_F(RawClient, ResetsThatItMakesUsSendEndInCalm) {
  send(kPreface);
  std::string burst;
  for (std::uint32_t i = 0; i < 400; ++i) burst += get(1 + 2 * i, "/wait") + frame(8, 0, 1 + 2 * i, u32(0x7fffffff));
  send(burst);
  EXPECT_EQ(goaway_code(), 11u);
  EXPECT_LE(server_->begun, 210);
}

TEST_F(RawClient, FloodsOfCheapFramesEndInCalm) {
  const std::vector<std::string> floods{
      frame(4, 0, 0),                               // SETTINGS
      frame(6, 0, 0, "12345678"),                   // PING
      frame(2, 0, 1, std::string(4, '\0') + "\1"),  // PRIORITY
      frame(8, 0, 0, u32(1)),                       // WINDOW_UPDATE
      frame(0, 0, 1),                               // DATA without bytes
      frame(200, 0, 0),                             // a type nobody knows
  };
  for (const std::string& one : floods) {
    begin_again();
    std::string flood =
        kPreface +
        frame(1, 4, 1, literal({{":method", "POST"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/echo"}}));
    for (std::size_t i = 0; i < 3000 || (one[3] == '\xc8' && i < 60000); ++i) flood += one;
    send(flood);
    EXPECT_EQ(goaway_code(), 11u) << "frames of type " << static_cast<int>(one[3]);
  }
}

TEST_F(RawClient, ContinuationsWithoutEndEndInCalm) {
  std::string flood = kPreface + frame(1, 0, 1, literal({{":method", "GET"}}));
  for (int i = 0; i < 100; ++i) flood += frame(9, 0, 1, literal({{"x", "y"}}));
  send(flood);
  EXPECT_EQ(goaway_code(), 11u);
}

TEST_F(RawClient, AHeadThatGrowsByHpackWithoutEndEndsInCalm) {
  // A field of 4,000 bytes in the dynamic table, then references to it of one byte each.
  std::string value(3900, 'v');
  std::string block = literal({{":method", "GET"}}) + std::string("\x40\x01x", 3) + "\x7f\xbd\x1d" + value;
  send(kPreface + frame(1, 0, 1, block) + frame(9, 4, 1, std::string(3000, '\xbe')));
  EXPECT_EQ(goaway_code(), 11u);
}

TEST_F(RawClient, RefusesMoreStreamsThanItOffered) {
  // A client that has not acknowledged the limit may not know it.
  send(kPreface);
  for (std::uint32_t i = 0; i < 130; ++i) send(get(1 + 2 * i, "/wait"));
  EXPECT_EQ(reset_code(257), 7u);
  EXPECT_EQ(server_->served, 128);
  send(frame(4, 1, 0) + get(261));
  EXPECT_EQ(goaway_code(), NGHTTP2_ENHANCE_YOUR_CALM);
}

TEST_F(RawClient, AShutDownLetsStreamsEnd) {
  send(kPreface +
       frame(1, 4, 1, literal({{":method", "POST"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/echo"}})));
  settle();
  server_->connection.shut_down();
  std::optional<Frame> notice = wait_for(7);
  ASSERT_TRUE(notice);
  EXPECT_EQ(read_u32(notice->payload), 0x7fffffffu);
  std::optional<Frame> ping = wait_for(6);
  ASSERT_TRUE(ping);
  send(get(3, "/1"));
  EXPECT_TRUE(wait_for(0, 3)) << "what was under way is served";
  send(frame(6, 1, 0, ping->payload));
  settle();
  EXPECT_EQ(read_u32(wait_for(7)->payload), 3u);
  send(frame(0, 1, 1, "end"));
  EXPECT_TRUE(wait_for(0, 1));
  run([&] {
    receive();
    return closed_;
  });
  EXPECT_TRUE(closed_);
}

TEST_F(RawClient, AnIdleShutDownEndsTheConnection) {
  send(kPreface + get(1, "/1"));
  ASSERT_TRUE(wait_for(0, 1));
  server_->connection.shut_down();
  run([&] {
    receive();
    return closed_;
  });
  EXPECT_TRUE(closed_);
  EXPECT_EQ(goaway_code(), 0u);
}

TEST_F(RawClient, ALostConnectionFailsItsStreams) {
  send(kPreface + get(1, "/wait") + get(3, "/wait"));
  settle();
  ASSERT_EQ(server_->served, 2);
  ::close(std::exchange(fd_, -1));
  run([&] { return server_->ended; });
  EXPECT_EQ(server_->failed, 2);
}

TEST_F(RawClient, TalksOfWhatIsNoHttp2) {
  send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
  EXPECT_EQ(goaway_code(), NGHTTP2_PROTOCOL_ERROR);
  run([&] {
    receive();
    return closed_;
  });
  EXPECT_TRUE(closed_);
}

std::string post(std::uint32_t stream, const std::string& path) {
  return frame(1, 4, stream, literal({{":method", "POST"}, {":scheme", "http"}, {":authority", "a"}, {":path", path}}));
}

TEST_F(RawClient, AResetOfAnyCodeFailsTheStreamWhoseAnswerIsNotAllSent) {
  send(kPreface);
  for (std::uint32_t code = 0; code < 20; ++code) {
    send(get(2 * code + 1, "/wait"));
    settle();
    send(frame(3, 0, 2 * code + 1, u32(code)));
    settle();
    EXPECT_EQ(server_->failed, static_cast<int>(code + 1)) << "code " << code;
  }
  EXPECT_EQ(server_->connection.open_streams(), 0u);
}

TEST_F(RawClient, FramesBehindAResetOfTheClientAreAnErrorOfTheStream) {
  send(kPreface + post(1, "/wait") + frame(3, 0, 1, u32(8)) + frame(0, 0, 1, "late") + frame(0, 1, 1, "too"));
  EXPECT_EQ(reset_code(1), NGHTTP2_STREAM_CLOSED);
  send(post(3, "/wait") + frame(3, 0, 3, u32(8)) + get(3));
  EXPECT_EQ(reset_code(3), NGHTTP2_STREAM_CLOSED);
  send(get(5, "/1"));
  EXPECT_TRUE(wait_for(0, 5) && count(3, 1) == 1) << "one answer for all of them";
}

TEST_F(RawClient, FramesBehindTheEndOfAStreamEndTheConnection) {
  for (const std::string& late : {frame(0, 1, 1, "late"), get(1)}) {
    send(kPreface + get(1, "/1"));
    ASSERT_TRUE(wait_for(0, 1));
    settle();
    send(late);
    EXPECT_EQ(goaway_code(), NGHTTP2_STREAM_CLOSED);
    begin_again();
  }
}

TEST_F(RawClient, FramesThatWereUnderWayWhenWeResetAStreamAreIgnored) {
  send(kPreface + frame(1, 4, 1, literal({{":method", "POST"}})) + frame(0, 0, 1, "late") + frame(0, 1, 1, "later"));
  EXPECT_EQ(reset_code(1), NGHTTP2_PROTOCOL_ERROR);
  send(frame(0, 1, 1, "latest"));
  settle();
  EXPECT_EQ(count(3, 1), 1u);
  send(get(3, "/1"));
  EXPECT_TRUE(wait_for(0, 3));
}

TEST_F(RawClient, WhoTakesNoAnswersIsReadNoFurther) {
  constexpr int kPings = 150;
  const std::string ping = frame(6, 0, 0, "12345678");
  // Windows for more than the socket takes.
  send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, std::string("\0\4", 2) + u32(4'000'000)) +
       frame(8, 0, 0, u32(4'000'000)) + get(1, "/2000000"));
  for (int i = 0; i < 20; ++i) reactor_.run_once(base::now() + 1ms);
  const std::uint64_t before = server_->connection.bytes_read();
  for (int i = 0; i < kPings; ++i) {
    ASSERT_EQ(::send(fd_, ping.data(), ping.size(), MSG_NOSIGNAL), static_cast<ssize_t>(ping.size()));
    reactor_.run_once(base::now() + 1ms);
  }
  EXPECT_LT(server_->connection.bytes_read() - before, (kPings - 50) * ping.size());
  run([&] {
    receive();
    return count(6, 0) == kPings;
  });
  EXPECT_EQ(count(6, 0), static_cast<std::size_t>(kPings)) << "all are answered once the client reads";
}

class ShortPatience : public RawClient {
 protected:
  ShortPatience()
      : RawClient([] {
          Settings settings;
          settings.header_timeout = 30ms;
          settings.idle_timeout = 50ms;
          return settings;
        }()) {}
};

TEST_F(ShortPatience, EndsIdleConnections) {
  send(kPreface);
  EXPECT_EQ(goaway_code(), 0u);
  run([&] {
    receive();
    return closed_;
  });
  EXPECT_TRUE(closed_);
}

TEST_F(ShortPatience, EndsHeadsThatNeverEnd) {
  send(kPreface + frame(1, 0, 1, literal({{":method", "GET"}})));
  EXPECT_EQ(goaway_code(), 1u);
}

}  // namespace
}  // namespace weir::http2
