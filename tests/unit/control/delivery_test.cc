#include "control/delivery.h"

#include "gtest/gtest.h"

#include "tests/unit/control/idle_workers.h"

namespace weir::control {
namespace {

using std::chrono::seconds;

class DeliveryTest : public testing::Test {
 protected:
  static std::shared_ptr<worker::Snapshot> snapshot(std::uint64_t version) {
    auto made = std::make_shared<worker::Snapshot>();
    made->version = version;
    return made;
  }
  void deliver(const std::shared_ptr<const worker::Snapshot>& next) { delivery_.deliver(next, seconds(1)); }

  IdleWorkers workers_;
  Sockets sockets_{workers_.all, workers_.registry};
  Delivery delivery_{workers_.services, workers_.all, sockets_, 10'000};
};

TEST_F(DeliveryTest, EveryWorkerUsesTheSnapshotFromItsNextRoundOn) {
  auto first = snapshot(1), second = snapshot(2);
  deliver(first);
  workers_.run();
  deliver(second);
  for (front::WorkerThread* thread : workers_.all) EXPECT_EQ(thread->worker().snapshot()->version, 1u);
  workers_.run();
  for (front::WorkerThread* thread : workers_.all) EXPECT_EQ(thread->worker().snapshot()->version, 2u);
}

TEST_F(DeliveryTest, AsManyClientsAreLetInAsTheSnapshotWants) {
  auto wanted = snapshot(1);
  wanted->max_connections = 123;
  deliver(wanted);
  EXPECT_EQ(workers_.services.descriptors.max_clients(), 123u);
  deliver(snapshot(2));
  EXPECT_GT(workers_.services.descriptors.max_clients(), 123u) << "as many as the descriptors allow";
  EXPECT_LT(workers_.services.descriptors.max_clients(), 5'000u) << "each may need one to a backend";
}

TEST_F(DeliveryTest, FlowsHaveDescriptorsWhileThereIsAUdpListener) {
  deliver(snapshot(1));
  EXPECT_EQ(workers_.services.descriptors.max_flows(), 0u);
  std::size_t clients = workers_.services.descriptors.max_clients();
  auto config = std::make_shared<config::Listener>();
  config->protocol = config::ListenerProtocol::udp;
  auto listener = std::make_shared<worker::ListenerSnapshot>();
  listener->config = std::move(config);
  auto with_udp = snapshot(2);
  with_udp->listeners = {std::move(listener)};
  deliver(with_udp);
  EXPECT_GT(workers_.services.descriptors.max_flows(), 0u);
  EXPECT_LT(workers_.services.descriptors.max_clients(), clients);
  deliver(snapshot(3));
  EXPECT_EQ(workers_.services.descriptors.max_flows(), 0u);
  EXPECT_EQ(workers_.services.descriptors.max_clients(), clients);
}

}  // namespace
}  // namespace weir::control
