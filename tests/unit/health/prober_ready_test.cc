// Readiness besides health, probes that several pools share, and all backends of a pool failing at once.
#include <atomic>

#include "tests/unit/health/prober_fixture.h"

namespace weir::health {
namespace {

// Alive at /health and ready at /ready, both as it is told.
class ReadyServer {
 public:
  ReadyServer()
      : server_([this](ScriptedConnection& connection) {
          std::string head = connection.read_head();
          bool asks_ready = head.starts_with("GET /ready ");
          (asks_ready ? ready_probes : probes).fetch_add(1);
          bool is_good = asks_ready ? is_ready.load() : is_alive.load();
          connection.send_text(is_good ? "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
                                       : "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n");
        }) {}
  const base::SocketAddress& address() const { return server_.address(); }
  std::atomic<bool> is_alive{true};
  std::atomic<bool> is_ready{true};
  std::atomic<int> probes{0};
  std::atomic<int> ready_probes{0};

 private:
  ScriptedServer server_;
};

class ProberReady : public ProberTest {
 protected:
  static std::shared_ptr<config::HealthCheck> with_ready() {
    auto made = check();
    made->checker.options = {{"ready", std::string("/ready")}};
    return made;
  }
  static std::shared_ptr<pool::Endpoint> endpoint(const base::SocketAddress& address) {
    pool::EndpointIdentity identity{.host = address.ip.to_string(), .port = address.port};
    return std::make_shared<pool::Endpoint>(std::move(identity));
  }
  WatchedBackend watched(std::shared_ptr<pool::Backend> one, std::shared_ptr<config::HealthCheck> how,
                         const base::SocketAddress& address, std::shared_ptr<pool::Endpoint> shared = {}) {
    return {.backend = std::move(one),
            .check = std::move(how),
            .addresses = at(address),
            .path = {},
            .endpoint = std::move(shared)};
  }
  std::vector<std::string> reasons(const pool::Backend& backend) {
    std::lock_guard lock(mutex_);
    std::vector<std::string> all;
    for (const Transition& one : transitions_) {
      if (one.backend.get() == &backend) all.push_back(one.reason);
    }
    return all;
  }
};

TEST_F(ProberReady, ABackendThatIsAliveMayNotBeReady) {
  ReadyServer server;
  server.is_ready = false;
  auto one = backend(server.address());
  watch({watched(one, with_ready(), server.address())});
  await_state(*one, BackendState::not_ready);
  std::string reason = reasons(*one).back();
  EXPECT_TRUE(reason.starts_with("not ready: first result is a failure (http GET /ready at 127.0.0.1:")) << reason;
  EXPECT_TRUE(reason.ends_with("status 503, expected 200-299")) << reason;
  EXPECT_EQ(prober_->details(*one)->reason, reason);
  EXPECT_FALSE(prober_->details(*one)->last_ready_check->result.ok);
  EXPECT_TRUE(prober_->details(*one)->last_check->result.ok);
  server.is_ready = true;
  await_state(*one, BackendState::healthy);
  EXPECT_TRUE(reasons(*one).back().starts_with("ready: 2 successful checks in a row")) << reasons(*one).back();
}

TEST_F(ProberReady, AReadyBackendIsHealthyAndADeadOneIsUnhealthy) {
  ReadyServer server;
  auto one = backend(server.address());
  watch({watched(one, with_ready(), server.address())});
  await_state(*one, BackendState::healthy);
  server.is_ready = false;
  await_state(*one, BackendState::not_ready);
  server.is_alive = false;
  await_state(*one, BackendState::unhealthy);
  server.is_alive = true;
  await_state(*one, BackendState::not_ready);
}

TEST_F(ProberReady, ReadinessNoLongerCountsWhenItIsNotAskedFor) {
  ReadyServer server;
  server.is_ready = false;
  auto one = backend(server.address());
  watch({watched(one, with_ready(), server.address())});
  await_state(*one, BackendState::not_ready);
  watch({watched(one, check(), server.address())});
  await_state(*one, BackendState::healthy);
}

TEST_F(ProberReady, SeveralPoolsThatAskTheSameShareOneProbe) {
  ReadyServer server;
  auto here = endpoint(server.address());
  auto a = std::make_shared<pool::Backend>("a", "one", "127.0.0.1", server.address().port);
  auto b = std::make_shared<pool::Backend>("b", "one", "127.0.0.1", server.address().port);
  auto of_a = check(1h), of_b = check(1h);
  of_b->unhealthy_threshold = 9;
  watch({watched(a, of_a, server.address(), here), watched(b, of_b, server.address(), here)});
  await_state(*a, BackendState::healthy);
  await_state(*b, BackendState::healthy);
  EXPECT_EQ(server.probes, 1);
}

TEST_F(ProberReady, EachPoolJudgesByItsOwnThresholds) {
  ReadyServer server;
  auto here = endpoint(server.address());
  auto a = std::make_shared<pool::Backend>("a", "one", "127.0.0.1", server.address().port);
  auto b = std::make_shared<pool::Backend>("b", "one", "127.0.0.1", server.address().port);
  auto of_a = check(), of_b = check();
  of_a->unhealthy_threshold = 1;
  of_b->unhealthy_threshold = 1'000'000;
  watch({watched(a, of_a, server.address(), here), watched(b, of_b, server.address(), here)});
  await_state(*a, BackendState::healthy);
  await_state(*b, BackendState::healthy);
  server.is_alive = false;
  await_state(*a, BackendState::unhealthy);
  EXPECT_EQ(prober_->details(*b)->state, BackendState::healthy);
  EXPECT_GT(prober_->details(*b)->consecutive_failures, 0u);
}

TEST_F(ProberReady, OtherOptionsAreAnotherProbe) {
  ReadyServer server;
  auto here = endpoint(server.address());
  auto a = std::make_shared<pool::Backend>("a", "one", "127.0.0.1", server.address().port);
  auto b = std::make_shared<pool::Backend>("b", "one", "127.0.0.1", server.address().port);
  auto of_b = check(1h);
  of_b->checker.options = {{"method", std::string("HEAD")}};
  watch({watched(a, check(1h), server.address(), here), watched(b, of_b, server.address(), here)});
  await_state(*a, BackendState::healthy);
  await_state(*b, BackendState::healthy);
  EXPECT_EQ(server.probes, 2);
}

TEST_F(ProberReady, AFollowerLeadsWhenItsLeaderGoes) {
  ReadyServer server;
  auto here = endpoint(server.address());
  auto a = std::make_shared<pool::Backend>("a", "one", "127.0.0.1", server.address().port);
  auto b = std::make_shared<pool::Backend>("b", "one", "127.0.0.1", server.address().port);
  watch({watched(a, check(), server.address(), here), watched(b, check(), server.address(), here)});
  await_state(*b, BackendState::healthy);
  watch({watched(b, check(), server.address(), here)});
  server.is_alive = false;
  await_state(*b, BackendState::unhealthy);
}

TEST_F(ProberReady, AllBackendsOfAPoolFailingAtOnceAreSuspicious) {
  std::vector<Suspicion> suspicions;  // by mutex_
  start({.on_suspicion = [&](const Suspicion& news) {
    std::lock_guard lock(mutex_);
    suspicions.push_back(news);
    changed_.notify_all();
  }});
  ReadyServer first, second;
  auto one = backend(first.address()), two = backend(second.address());
  watch({watched(one, check(), first.address()), watched(two, check(), second.address())});
  await_state(*one, BackendState::healthy);
  await_state(*two, BackendState::healthy);
  first.is_alive = second.is_alive = false;
  std::unique_lock lock(mutex_);
  ASSERT_TRUE(changed_.wait_for(lock, 20s, [&] { return !suspicions.empty(); }));
  EXPECT_EQ(suspicions[0].pool, "site");
  EXPECT_EQ(suspicions[0].failing, 2u);
  EXPECT_EQ(suspicions[0].backends, 2u);
}

}  // namespace
}  // namespace weir::health
