// The effect of agents' words on snapshots and states.
#include "control/publisher.h"
#include "tests/unit/api/fixture.h"

namespace weir::control {
namespace {

using api::ControlPlane;
using api::kFile;
using health::AgentVerdict;
using health::AgentWords;
using pool::BackendState;
using testing::ElementsAre;

class PublisherAgents : public testing::Test {
 protected:
  PublisherAgents() {
    plane.publisher.set_health(*backend("web-1"), BackendState::healthy, plane.clock.now());
    plane.publisher.set_health(*backend("web-2"), BackendState::healthy, plane.clock.now());
  }
  std::shared_ptr<pool::Backend> backend(const std::string& id) { return plane.publisher.find({"site", id}); }
  void says(const std::string& id, const AgentVerdict& verdict) {
    plane.publisher.set_agent(*backend(id), verdict, plane.clock.now());
    plane.publisher.publish_changes(plane.clock.now());
  }
  BackendState state(const std::string& id) { return backend(id)->state; }
  const pool::BackendEntry& entry(std::size_t index) { return plane.pool("site")->eligible.at(index); }

  ControlPlane plane{kFile};
};

TEST_F(PublisherAgents, APercentageCountsOfTheConfiguredWeight) {
  says("web-2", {.percent = 50});
  EXPECT_EQ(entry(1).weight, 2u);
  EXPECT_EQ(entry(1).slow_start_percent, 50u);
  says("web-2", {.percent = 300});
  EXPECT_EQ(entry(1).weight, 6u);
  EXPECT_EQ(entry(1).slow_start_percent, 100u);
  says("web-2", {.weight = 9});
  EXPECT_EQ(entry(1).weight, 9u);
  EXPECT_EQ(plane.publisher.standing({"site", "web-2"}).effective_weight, 9.0);
  says("web-2", {});
  EXPECT_EQ(entry(1).weight, 2u);
}

TEST_F(PublisherAgents, ALimitOfConnectionsTakesThePlaceOfTheConfiguredOne) {
  says("web-1", {.max_connections = 30});
  EXPECT_EQ(entry(0).max_connections, 30u);
  says("web-1", {});
  EXPECT_EQ(entry(0).max_connections, 0u);
}

TEST_F(PublisherAgents, WordsChangeTheState) {
  says("web-1", {.admin = AgentWords::Admin::drain});
  EXPECT_EQ(state("web-1"), BackendState::draining);
  EXPECT_THAT(plane.eligible("site"), ElementsAre("web-2"));
  EXPECT_EQ(plane.publisher.standing({"site", "web-1"}).by_agent, "agent: drain");
  says("web-1", {.percent = 0});
  EXPECT_EQ(state("web-1"), BackendState::draining);
  says("web-1", {.admin = AgentWords::Admin::maint});
  EXPECT_EQ(state("web-1"), BackendState::disabled);
  says("web-1", {.service = AgentWords::Service::fail, .reason = "disk"});
  EXPECT_EQ(state("web-1"), BackendState::unhealthy);
  EXPECT_EQ(plane.publisher.standing({"site", "web-1"}).by_agent, "agent: fail: disk");
  says("web-1", {});
  EXPECT_EQ(state("web-1"), BackendState::healthy);
  EXPECT_EQ(plane.publisher.standing({"site", "web-1"}).by_agent, "");
}

// Nobody has said that the work in progress is to end.
TEST_F(PublisherAgents, ABackendThatDrainsByItsAgentIsNotCutOff) {
  says("web-1", {.admin = AgentWords::Admin::drain});
  EXPECT_TRUE(plane.left.empty());
}

TEST_F(PublisherAgents, ABackendThatIsNotReadyTakesNoNewWork) {
  plane.publisher.set_health(*backend("web-1"), BackendState::not_ready, plane.clock.now());
  plane.publisher.publish_changes(plane.clock.now());
  EXPECT_THAT(plane.eligible("site"), ElementsAre("web-2"));
  EXPECT_TRUE(plane.left.empty()) << "what is in progress there goes on";
}

TEST_F(PublisherAgents, UpDoesNotMakeAnUnhealthyBackendHealthy) {
  plane.publisher.set_health(*backend("web-1"), BackendState::unhealthy, plane.clock.now());
  says("web-1", {.service = AgentWords::Service::up});
  EXPECT_EQ(state("web-1"), BackendState::unhealthy);
}

}  // namespace
}  // namespace weir::control
