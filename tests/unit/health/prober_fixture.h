// A prober, what it reports, and a backend whose answer a test can change.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "health/prober.h"
#include "tests/support/scripted_server.h"

namespace weir::health {

using namespace std::chrono_literals;
using pool::BackendState;
using test::RefusingAddress;
using test::ScriptedConnection;
using test::ScriptedServer;

inline constexpr const char* kOk = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

// A backend whose answer the test can change.
class Switchable {
 public:
  Switchable()
      : server_([this](ScriptedConnection& connection) {
          seen(connection.read_head());
          connection.send_text(well ? kOk : "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
        }) {}
  std::atomic<bool> well{true};
  const base::SocketAddress& address() const { return server_.address(); }
  int probes() const { return server_.connections(); }
  std::string last_request() const {
    std::lock_guard lock(mutex_);
    return last_request_;
  }

 private:
  void seen(std::string request) {
    std::lock_guard lock(mutex_);
    last_request_ = std::move(request);
  }
  mutable std::mutex mutex_;  // guards last_request_
  std::string last_request_;
  ScriptedServer server_;
};

class ProberTest : public testing::Test {
 protected:
  ProberTest() { start({}); }
  void start(ProberOptions options) {
    options.registry = &registry_;
    options.metrics_slot = 1;
    prober_.reset();
    prober_ = std::make_unique<Prober>(options, [this](const Transition& transition) {
      std::lock_guard lock(mutex_);
      transitions_.push_back(transition);
      changed_.notify_all();
    });
  }
  // Waits until `condition` holds for the transitions so far.
  template <typename Condition>
  void await(Condition condition) {
    std::unique_lock lock(mutex_);
    ASSERT_TRUE(changed_.wait_for(lock, 20s, [&] { return condition(transitions_); }));
  }
  void await_state(const pool::Backend& backend, BackendState state) {
    await([&](const auto& all) {
      for (auto at = all.rbegin(); at != all.rend(); ++at) {
        if (at->backend.get() == &backend) return at->to == state;
      }
      return false;
    });
  }
  // Until the health thread has worked off everything sent to it before.
  void settle() {
    auto marker = std::make_shared<pool::Backend>("marker", "marker", "marker", 1);
    auto wanted = wanted_;
    wanted.push_back({marker, off(), at(*base::SocketAddress::parse("127.0.0.1:1")), {}});
    prober_->watch(wanted);
    await_state(*marker, BackendState::healthy);
  }
  static std::shared_ptr<config::HealthCheck> check(config::Duration interval = 20ms) {
    auto result = std::make_shared<config::HealthCheck>();
    result->checker.name = "http";
    result->interval = interval;
    result->fast_interval = std::min<config::Duration>(interval, 5ms);
    result->timeout = 10s;
    return result;
  }
  static std::shared_ptr<config::HealthCheck> off() {
    auto result = std::make_shared<config::HealthCheck>();
    result->enabled = false;
    return result;
  }
  static std::shared_ptr<pool::Backend> backend(const base::SocketAddress& address) {
    return std::make_shared<pool::Backend>("site", address.to_string(), address.ip.to_string(), address.port);
  }
  static std::shared_ptr<const pool::Addresses> at(const base::SocketAddress& address) {
    return std::make_shared<const pool::Addresses>(pool::Addresses{address});
  }
  void watch(std::vector<WatchedBackend> wanted) {
    wanted_ = wanted;
    prober_->watch(std::move(wanted));
  }

  metrics::Registry registry_{2};
  std::mutex mutex_;  // guards transitions_
  std::condition_variable changed_;
  std::vector<Transition> transitions_;
  std::vector<WatchedBackend> wanted_;
  std::unique_ptr<Prober> prober_;
};

}  // namespace weir::health
