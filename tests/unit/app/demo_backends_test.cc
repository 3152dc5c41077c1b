#include "app/demo_backends.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "app/admin_client.h"

namespace weir::app {
namespace {

class DemoBackendsTest : public testing::Test {
 protected:
  DemoBackendsTest()
      : samples_({{.name = "one", .delay = {}}, {.name = "two", .delay = std::chrono::milliseconds(1)}}) {
    EXPECT_TRUE(samples_.start(0));
  }
  ~DemoBackendsTest() override { samples_.stop(); }

  static std::string ask(std::uint16_t port, const char* method, const std::string& path,
                         const std::string& body = {}) {
    auto answer = AdminClient(fmt::format("127.0.0.1:{}", port), "").call(method, path, body);
    if (answer) return answer->body;
    return answer.error().answered ? fmt::format("{}", answer.error().status) : "nobody";
  }
  std::uint16_t port(std::size_t index) const { return samples_.backends()[index].port; }

  DemoBackends samples_;
};

TEST_F(DemoBackendsTest, EachSaysItsNameThePathAndHowOftenItWasAsked) {
  EXPECT_EQ(ask(port(0), "GET", "/a?b"), "one: GET /a, request 1\n");
  EXPECT_EQ(ask(port(0), "POST", "/a", std::string(100'000, ' ')), "one: POST /a, request 2\n");
  EXPECT_EQ(ask(port(1), "GET", "/"), "two: GET /, request 1\n");
}

TEST_F(DemoBackendsTest, HealthIsNotCounted) {
  EXPECT_EQ(ask(port(0), "GET", "/health"), "ok\n");
  EXPECT_EQ(ask(port(0), "GET", "/"), "one: GET /, request 1\n");
}

TEST_F(DemoBackendsTest, OneIsKilledAndRevivedWhileTheOtherGoesOn) {
  AdminClient kept(fmt::format("127.0.0.1:{}", port(0)), "");
  EXPECT_TRUE(kept.call("GET", "/"));
  EXPECT_EQ(ask(samples_.control_port(), "POST", "/one/kill"), "one is dead\n");
  EXPECT_EQ(ask(samples_.control_port(), "POST", "/one/kill"), "one is dead\n");
  EXPECT_EQ(ask(port(0), "GET", "/"), "nobody");
  EXPECT_FALSE(kept.call("GET", "/"));
  EXPECT_EQ(ask(port(1), "GET", "/"), "two: GET /, request 1\n");
  EXPECT_EQ(ask(samples_.control_port(), "POST", "/one/revive"), "one is alive\n");
  EXPECT_EQ(ask(port(0), "GET", "/"), "one: GET /, request 2\n");
}

TEST_F(DemoBackendsTest, TheControlPortRefusesWhatItDoesNotKnow) {
  EXPECT_EQ(ask(samples_.control_port(), "POST", "/three/kill"), "404");
  EXPECT_EQ(ask(samples_.control_port(), "GET", "/one/kill"), "405");
  EXPECT_EQ(ask(port(0), "GET", "/"), "one: GET /, request 1\n");
}

TEST(ListenOnLoopback, TakesAnotherPortWhenTheWantedOneIsTaken) {
  DemoBackends first({{.name = "a", .delay = {}}}), second({{.name = "b", .delay = {}}});
  ASSERT_TRUE(first.start(0));
  ASSERT_TRUE(second.start(first.control_port()));
  EXPECT_NE(first.control_port(), second.control_port());
  first.stop();
  second.stop();
}

}  // namespace
}  // namespace weir::app
