#include "control/leaving_backends.h"

#include "gtest/gtest.h"

#include "tests/unit/control/idle_workers.h"

namespace weir::control {
namespace {

using pool::BackendState;
using std::chrono::milliseconds;
using std::chrono::seconds;

class LeavingBackendsTest : public testing::Test {
 protected:
  LeavingBackendsTest() { backend_->state = BackendState::draining; }
  void cut_off_after(base::Nanoseconds time) {
    clock_.advance(time);
    leaving_.cut_off(clock_.now());
  }
  // Messages about the backend that workers have not read yet.
  long messages() const { return backend_.use_count() - 1; }

  base::ManualClock clock_;
  IdleWorkers workers_;
  LeavingBackends leaving_{workers_.all};
  std::shared_ptr<pool::Backend> backend_ = std::make_shared<pool::Backend>("site", "a", "10.0.0.1", 80);
};

TEST_F(LeavingBackendsTest, EveryWorkerBreaksItsConnectionsWhenTheDrainTimeoutHasPassed) {
  leaving_.leave(backend_, clock_.now(), seconds(3), false);
  cut_off_after(milliseconds(2999));
  EXPECT_FALSE(backend_->cut_off);
  EXPECT_EQ(messages(), 0);
  cut_off_after(milliseconds(1));
  EXPECT_TRUE(backend_->cut_off);
  EXPECT_EQ(messages(), 2);
  workers_.run();
  EXPECT_EQ(messages(), 0);
  cut_off_after(seconds(3));
  EXPECT_EQ(messages(), 0) << "once is enough";
}

TEST_F(LeavingBackendsTest, ABackendThatIsBackInTimeKeepsItsConnections) {
  leaving_.leave(backend_, clock_.now(), seconds(3), false);
  backend_->state = BackendState::healthy;
  cut_off_after(seconds(3));
  EXPECT_FALSE(backend_->cut_off);
  EXPECT_EQ(messages(), 0);
}

TEST_F(LeavingBackendsTest, ARemovedBackendIsCutOffWhateverItsStateSays) {
  leaving_.leave(backend_, clock_.now(), seconds(3), true);
  backend_->state = BackendState::unhealthy;
  cut_off_after(seconds(3));
  EXPECT_TRUE(backend_->cut_off);
}

TEST_F(LeavingBackendsTest, ADisabledBackendIsCutOff) {
  backend_->state = BackendState::disabled;
  leaving_.leave(backend_, clock_.now(), seconds(3), false);
  cut_off_after(seconds(3));
  EXPECT_TRUE(backend_->cut_off);
}

TEST_F(LeavingBackendsTest, ADrainThatBeginsAnewHasAllItsTimeAgain) {
  leaving_.leave(backend_, clock_.now(), seconds(3), false);
  cut_off_after(seconds(3));
  EXPECT_TRUE(backend_->cut_off);
  leaving_.leave(backend_, clock_.now(), seconds(3), false);
  EXPECT_FALSE(backend_->cut_off);
  cut_off_after(seconds(2));
  leaving_.leave(backend_, clock_.now(), seconds(3), false);
  cut_off_after(seconds(2));
  EXPECT_FALSE(backend_->cut_off);
  cut_off_after(seconds(1));
  EXPECT_TRUE(backend_->cut_off);
}

TEST_F(LeavingBackendsTest, IsDueAtTheEarliestDrainTimeoutAndOnceASecondBefore) {
  EXPECT_EQ(leaving_.next_due(), base::TimePoint::max());
  leaving_.leave(backend_, clock_.now(), seconds(10), false);
  EXPECT_EQ(leaving_.next_due(), clock_.now() + seconds(1)) << "it may be forgotten then";
  auto other = std::make_shared<pool::Backend>("site", "b", "10.0.0.2", 80);
  leaving_.leave(other, clock_.now(), milliseconds(300), true);
  EXPECT_EQ(leaving_.next_due(), clock_.now() + milliseconds(300));
  cut_off_after(milliseconds(300));
  EXPECT_EQ(leaving_.next_due(), clock_.now() + seconds(1));
  cut_off_after(milliseconds(9700));
  EXPECT_EQ(leaving_.next_due(), base::TimePoint::max());
}

TEST_F(LeavingBackendsTest, KeepsNoBackendAliveThatNothingElseUses) {
  std::weak_ptr<pool::Backend> watched = backend_;
  leaving_.leave(backend_, clock_.now(), seconds(300), true);
  backend_.reset();
  EXPECT_TRUE(watched.expired());
  cut_off_after(seconds(1));
  EXPECT_EQ(leaving_.next_due(), base::TimePoint::max());
}

}  // namespace
}  // namespace weir::control
