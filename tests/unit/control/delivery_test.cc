#include "control/delivery.h"

#include <memory>
#include <optional>
#include <semaphore>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "control/patience.h"
#include "net/task_group.h"
#include "tests/unit/control/idle_workers.h"

namespace weir::control {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

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

net::Task<void> keep(net::Task<LateWorkers> task, std::optional<LateWorkers>& result) { result.emplace(co_await task); }

// A worker that does nothing more until it is let go, from when it has read what it was sent before.
class Blocked {
 public:
  explicit Blocked(front::WorkerThread& thread) {
    thread.worker().reactor.post([state = state_] {
      state->is_blocked.release();
      state->may_go_on.acquire();
    });
  }
  void wait() { state_->is_blocked.acquire(); }
  ~Blocked() { let_go(); }
  void let_go() {
    if (state_) state_->may_go_on.release();
    state_.reset();
  }

 private:
  struct State {
    std::binary_semaphore is_blocked{0}, may_go_on{0};
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

class DeliveryIsSettled : public testing::Test {
 protected:
  DeliveryIsSettled() {
    control_.adopt_thread();
    auto look_again = [this] { control_.post([this] { delivery_.look_again(); }); };
    workers_.services.snapshot_confirmed = look_again;
    workers_.services.worker_ended = look_again;
    workers_.start();
  }
  ~DeliveryIsSettled() override { workers_.stop(); }

  void deliver(std::uint64_t version) {
    auto made = std::make_shared<worker::Snapshot>();
    made->version = version;
    delivery_.deliver(made, seconds(1));
  }
  void begin() {
    late_.reset();
    tasks_.spawn(keep(delivery_.settle(), late_));
  }
  // Everything that the worker was sent is done, and the control thread knows.
  void follow(std::size_t worker) {
    std::binary_semaphore done(0);
    workers_.all[worker]->worker().reactor.post([&] { done.release(); });
    done.acquire();
    turn();
  }
  void turn(base::Nanoseconds time = {}) {
    // In steps that the reactor does not take for lateness of its own.
    constexpr base::Nanoseconds kStep = std::chrono::milliseconds(50);
    for (; time > base::Nanoseconds(0); time -= kStep) {
      clock_.advance(kStep);
      control_.run_once(control_.now());
    }
    for (int round = 0; round < 4; ++round) control_.run_once(control_.now());
  }

  base::ManualClock clock_;
  net::Reactor control_{&clock_};
  net::TaskGroup tasks_;
  IdleWorkers workers_;
  Sockets sockets_{workers_.all, workers_.registry};
  Delivery delivery_{workers_.services, workers_.all, sockets_, 10'000};
  std::optional<LateWorkers> late_;
};

TEST_F(DeliveryIsSettled, WhenTheLastWorkerUsesTheSnapshot) {
  Blocked blocked(*workers_.all[1]);
  blocked.wait();
  deliver(1);
  begin();
  follow(0);
  EXPECT_FALSE(late_);
  blocked.let_go();
  follow(1);
  ASSERT_TRUE(late_);
  EXPECT_THAT(*late_, IsEmpty());
  begin();
  EXPECT_TRUE(late_) << "nothing was delivered since";
}

TEST_F(DeliveryIsSettled, ForEachOfThoseThatWaitForTheirOwnSnapshot) {
  deliver(1);
  begin();
  std::optional<LateWorkers> of_first;
  follow(0);
  follow(1);
  EXPECT_TRUE(late_);
  Blocked blocked(*workers_.all[0]);
  blocked.wait();
  deliver(2);
  begin();
  deliver(3);
  tasks_.spawn(keep(delivery_.settle(), of_first));
  blocked.let_go();
  follow(0);
  follow(1);
  EXPECT_TRUE(late_);
  EXPECT_TRUE(of_first);
}

TEST_F(DeliveryIsSettled, NotByAWorkerThatIsLate) {
  Blocked blocked(*workers_.all[1]);
  blocked.wait();
  deliver(1);
  begin();
  follow(0);
  turn(kWorkerPatience - seconds(1));
  EXPECT_FALSE(late_);
  turn(seconds(2));
  ASSERT_TRUE(late_);
  EXPECT_THAT(*late_, ElementsAre(1u));
  EXPECT_EQ(delivery_.late(), 1u);
  begin();
  ASSERT_TRUE(late_) << "it was waited for once";
  EXPECT_THAT(*late_, ElementsAre(1u));
  blocked.let_go();
  follow(1);
  EXPECT_EQ(delivery_.late(), 0u);
}

TEST_F(DeliveryIsSettled, WhenTheWorkerThatIsMissingHasEnded) {
  // It reads in one round that it must stop, so that it never reads that it is asked.
  Blocked before(*workers_.all[1]);
  before.wait();
  workers_.all[1]->worker().reactor.stop();
  Blocked stopped(*workers_.all[1]);
  before.let_go();
  stopped.wait();
  deliver(1);
  begin();
  follow(0);
  EXPECT_FALSE(late_);
  stopped.let_go();
  workers_.stop();
  EXPECT_EQ(workers_.all[1]->confirmed_version(), 0u);
  turn();
  ASSERT_TRUE(late_);
  EXPECT_THAT(*late_, IsEmpty());
}

TEST_F(DeliveryIsSettled, AtOnceWithoutWorkersThatRun) {
  workers_.stop();
  deliver(1);
  begin();
  ASSERT_TRUE(late_);
  EXPECT_THAT(*late_, IsEmpty());
}

TEST_F(DeliveryIsSettled, ByWorkersThatHadNoMemoryForTheSnapshot) {
  workers_.all[0]->confirm([] {
    auto made = std::make_shared<worker::Snapshot>();
    made->version = 7;
    return made;
  }());
  follow(0);
  EXPECT_EQ(workers_.all[0]->worker().snapshot()->version, 7u);
}

}  // namespace
}  // namespace weir::control
