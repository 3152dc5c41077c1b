// The common part of the tests of a backend's connections.
#pragma once

#include <array>
#include <functional>
#include <sys/socket.h>
#include <unistd.h>

#include "gtest/gtest.h"

#include "net/listener.h"
#include "net/task_group.h"
#include "upstream/links.h"

namespace weir::upstream {

using namespace std::chrono_literals;

// Two workers on one thread, run by turns, and a backend that accepts and never speaks.
class ConnectionsTest : public testing::Test {
 protected:
  struct OneWorker {
    OneWorker(std::uint32_t index, net::DescriptorBudget& descriptors) : links(index, shared, &descriptors) {}
    net::Reactor reactor;
    http2::Shared shared;
    Links links;
    Connections& connections = links.connections();
    net::TaskGroup tasks;
  };

  ConnectionsTest() {
    listening_ = *net::listen_tcp(*base::SocketAddress::parse("127.0.0.1:0"), {});
    base::SocketAddress address = net::local_address(listening_);
    entry_.backend = std::make_shared<pool::Backend>("site", "a", "127.0.0.1", address.port);
    entry_.endpoint = std::make_shared<pool::Endpoint>(pool::EndpointIdentity{"127.0.0.1", address.port});
    entry_.addresses = std::make_shared<pool::Addresses>(pool::Addresses{address});
    for (OneWorker* worker : {&first_, &second_}) worker->links.set_peers(peers_);
  }
  ~ConnectionsTest() override {
    for (OneWorker* worker : {&first_, &second_}) {
      worker->reactor.adopt_thread();
      worker->tasks.cancel();
    }
    run_until([this] { return first_.tasks.size() + second_.tasks.size() == 0; });
    for (OneWorker* worker : {&first_, &second_}) {
      worker->reactor.adopt_thread();
      worker->connections.close_all_idle();
    }
    for (int fd : accepted_) ::close(fd);
    ::close(listening_);
  }

  void run_until(const std::function<bool()>& done) {
    auto give_up = base::now() + 10s;
    while (!done() && base::now() < give_up) {
      for (OneWorker* worker : {&first_, &second_}) {
        worker->reactor.adopt_thread();
        worker->reactor.run_once(base::now() + 1ms);
      }
      int fd = accept4(listening_, nullptr, nullptr, SOCK_NONBLOCK);
      if (fd >= 0) accepted_.push_back(fd);
    }
    EXPECT_TRUE(done());
  }
  AcquireOptions options(bool fresh = false) {
    return {.backend = &entry_,
            .settings = &settings_,
            .connect_timeout = 1s,
            .queue_timeout = queue_timeout_,
            .metrics = &metrics_,
            .fresh = fresh};
  }
  struct Got {
    bool done = false;
    base::ErrorCode error{};
    Lease lease;
  };
  static net::Task<void> acquire(Connections& connections, AcquireOptions options, Got& got) {
    base::Result<Lease> lease = co_await connections.acquire(options);
    if (lease) {
      got.lease = std::move(*lease);
    } else {
      got.error = lease.error().code;
    }
    got.done = true;
  }
  void start(OneWorker& worker, Got& got, bool fresh = false) { start(worker, got, options(fresh)); }
  void start(OneWorker& worker, Got& got, const AcquireOptions& options) {
    worker.reactor.adopt_thread();
    worker.tasks.spawn(acquire(worker.connections, options, got));
  }
  void give_back(OneWorker& worker, Got& got) {
    worker.reactor.adopt_thread();
    got.lease.give_back();
  }
  std::uint32_t open() const { return entry_.backend->places.taken(); }

  metrics::Registry registry_{2};
  ConnectionMetrics metrics_{.opened = registry_.counter("opened", "."),
                             .reused = registry_.counter("reused", "."),
                             .taken_over = registry_.counter("taken", ".")};
  config::UpstreamConnections settings_;
  base::Nanoseconds queue_timeout_ = 5s;
  net::DescriptorBudget descriptors_;
  OneWorker first_{0, descriptors_}, second_{1, descriptors_};
  std::array<Peer, 2> peers_{first_.links.as_peer(first_.reactor), second_.links.as_peer(second_.reactor)};
  pool::BackendEntry entry_;
  int listening_ = -1;
  std::vector<int> accepted_;
};

}  // namespace weir::upstream
