// An HTTP/2 connection that has much to do leaves turns to everything else.
#include "base/function.h"
#include "net/turn.h"
#include "tests/unit/http2/pair.h"
#include "tests/unit/net/endless.h"

namespace weir::http2 {
namespace {

class H2TurnsTest : public H2Test {
 protected:
  // Serves what `peer` sends until that is `until`, with something ready beside it.
  void serve(std::unique_ptr<net::EndlessPeer> peer, const Settings& settings, base::FunctionRef<bool()> until) {
    peer->stays = true;
    TestServer server(net::endless_stream(std::move(peer)), settings);
    served_ = &server.served;
    net::TaskGroup others;
    others.spawn(net::be_ready(passed_, beside_, done_));
    others.spawn(count_served());
    run(until, 60s);
    EXPECT_TRUE(until());
    EXPECT_FALSE(server.ended || server.connection.is_ending() || server.failed > 0) << "all of it was in order";
    done_ = true;
    run([&] { return others.size() == 0; });
    join(server.group);
  }
  net::Task<void> count_served() {
    for (int before = 0; !done_; before = *served_) {
      co_await net::yield();
      most_served_ = std::max(most_served_, *served_ - before);
    }
  }

  net::Passed passed_;
  net::Beside beside_;
  const int* served_ = nullptr;
  bool done_ = false;
  int most_served_ = 0;
};

TEST_F(H2TurnsTest, AReadyTaskRunsBesideAnUploadThatNeverPauses) {
  constexpr std::size_t kTotal = 32 * 1024 * 1024;
  Settings settings;
  settings.stream_window_bytes = settings.max_stream_window_bytes = 64 * 1024 * 1024;
  settings.connection_window_bytes = 64 * 1024 * 1024;
  std::string settings_ack = frame(4, 1, 0);  // before that, the larger window does not count
  std::string begin = kPreface + settings_ack + get(1, "/1", 4);
  std::string data = frame(0, 0, 1, std::string(16384, 'x'));
  std::size_t total = begin.size() + kTotal / 16384 * data.size();
  serve(std::make_unique<net::EndlessPeer>(passed_, total, SIZE_MAX, begin, data), settings,
        [&] { return passed_.bytes >= total; });
  EXPECT_LE(beside_.most_bytes, 2u * (net::Turn::kBytes + 64 * 1024));
}

TEST_F(H2TurnsTest, AReadyTaskRunsBesideManyRequestsThatAreAnsweredAtOnce) {
  constexpr int kRequests = 4000;
  Settings settings;
  settings.max_streams = 10'000;
  std::string begin = kPreface;
  for (std::uint32_t i = 0; i < kRequests; ++i) begin += get(2 * i + 1, "/0");
  serve(std::make_unique<net::EndlessPeer>(passed_, begin.size(), SIZE_MAX, begin), settings,
        [&] { return *served_ == kRequests; });
  // A round may have three turns of it: what is read, what goes on, and what is left at the end.
  EXPECT_LE(most_served_, 3 * net::Turn::kBytes / net::Turn::kStream);
}

}  // namespace
}  // namespace weir::http2
