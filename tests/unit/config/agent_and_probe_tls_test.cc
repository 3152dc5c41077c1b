// The keys `agent` of pools and `tls` of health checks.
#include "tests/unit/config/kinds_for_tests.h"

namespace weir::config {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;

TEST(AgentKeys, HaveAShortFormAndDefaults) {
  Config config =
      must_read("pools: [{name: p, agent: 9000, backends: [{host: a, port: 1, agent_port: 2}]}, {name: q}]");
  ASSERT_TRUE(config.pools[0].agent);
  const Agent& agent = *config.pools[0].agent;
  EXPECT_EQ(agent.port, 9000);
  EXPECT_EQ(agent.interval, 2s);
  EXPECT_EQ(agent.ttl, 10s);
  EXPECT_FALSE(agent.timeout);
  EXPECT_EQ(agent.transport, AgentTransport::tcp);
  EXPECT_EQ(config.pools[0].backends[0].agent_port, 2);
  EXPECT_FALSE(config.pools[1].agent);
}

TEST(AgentKeys, AreChecked) {
  EXPECT_THAT(faults_of(with_pool("agent: {interval: 1s}")), HasSubstr("agent.port"));
  EXPECT_THAT(faults_of(with_pool("agent: {port: 0}")), HasSubstr("agent.port"));
  EXPECT_THAT(faults_of(with_pool("agent: {port: 1, interval: 1s, timeout: 2s}")),
              HasSubstr("agent.timeout: 2s is longer than interval (1s)"));
  EXPECT_THAT(faults_of(with_pool("agent: {port: 1, interval: 20s}")),
              HasSubstr("agent.ttl: 10s is shorter than interval (20s)"));
  EXPECT_THAT(faults_of(with_pool(R"(agent: {port: 1, send: 'a\q'})")), HasSubstr("agent.send: '\\\\q' is no escape"));
  EXPECT_THAT(faults_of(with_pool("agent: {port: 1, transport: http, send: a}")), HasSubstr("agent.send: is for"));
  EXPECT_THAT(faults_of(with_pool("agent: {port: 1, path: /a}")), HasSubstr("agent.path: is for `transport: http`"));
  EXPECT_THAT(faults_of(with_pool("agent: {port: 1, transport: http, path: a}")),
              HasSubstr("agent.path: must begin with '/'"));
}

TEST(ProbeTls, GoesBeforeThatOfThePool) {
  Config config = must_read(
      "pools: [{name: a, tls: true, health_check: {type: tcp, tls: off}}, {name: b, health_check: {tls: {verify: "
      "false}}}, {name: c, tls: {sni: x}}]");
  EXPECT_EQ(tls_of_probes(config.pools[0]), nullptr);
  ASSERT_NE(tls_of_probes(config.pools[1]), nullptr);
  EXPECT_FALSE(tls_of_probes(config.pools[1])->verify);
  ASSERT_NE(tls_of_probes(config.pools[2]), nullptr);
  EXPECT_EQ(tls_of_probes(config.pools[2])->sni, "x");
}

TEST(ProbeTls, IsChecked) {
  EXPECT_THAT(faults_of(with_pool("health_check: {tls: {verify: false, ca: a.pem}}")),
              HasSubstr("health_check.tls.verify: is false, so that ca has no effect"));
}

}  // namespace
}  // namespace weir::config
