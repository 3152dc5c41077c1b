// Which endpoints the publisher gives to the backends of a snapshot.
#include "control/publisher.h"
#include "tests/unit/api/fixture.h"

namespace weir::control {
namespace {

using api::ControlPlane;
using api::kFile;

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

class PublisherEndpointsTest : public testing::Test {
 protected:
  void reload(const std::string& yaml) { EXPECT_TRUE(plane.run(plane.catalog.reload(ControlPlane::read(yaml)))); }

  ControlPlane plane{kFile};
};

// A file in which both pools have a backend at 10.0.0.1:80; `site` and `api` are further keys of the pools.
std::string with_one_server_in_both(const std::string& site, const std::string& api) {
  std::string yaml = replaced(kFile, "host: 10.0.1.1", "host: 10.0.0.1");
  yaml = replaced(yaml, "  - name: site\n", "  - name: site\n" + site);
  return replaced(yaml, "  - name: api\n", "  - name: api\n" + api);
}

TEST_F(PublisherEndpointsTest, PoolsWithTheSameServerShareItsEndpoint) {
  reload(with_one_server_in_both("", ""));
  auto of_site = plane.pool("site")->eligible, of_api = plane.pool("api")->eligible;
  EXPECT_EQ(of_site[0].endpoint, of_api[0].endpoint);
  EXPECT_NE(of_site[0].backend, of_api[0].backend);
  EXPECT_NE(of_site[1].endpoint, of_api[0].endpoint);
}

TEST_F(PublisherEndpointsTest, PoolsThatSpeakToTheSameServerInDifferentWaysHaveEndpointsOfTheirOwn) {
  reload(with_one_server_in_both("    tls: {sni: a.example}\n", "    tls: {sni: b.example}\n"));
  EXPECT_NE(plane.pool("site")->eligible[0].endpoint, plane.pool("api")->eligible[0].endpoint);
  reload(with_one_server_in_both("    tls: {sni: a.example}\n", "    tls: {sni: a.example}\n"));
  EXPECT_EQ(plane.pool("site")->eligible[0].endpoint, plane.pool("api")->eligible[0].endpoint);
  reload(with_one_server_in_both("    protocol: h2\n", ""));
  EXPECT_NE(plane.pool("site")->eligible[0].endpoint, plane.pool("api")->eligible[0].endpoint);
}

TEST_F(PublisherEndpointsTest, APoolOfUdpListenersOnlyFailsApartFromPoolsOfOthers) {
  std::string yaml = with_one_server_in_both("", "");
  reload(yaml);
  auto shared = plane.pool("site")->eligible[0].endpoint;
  std::string only_udp = replaced(yaml, "address: 127.0.0.1:8082", "address: 127.0.0.1:8082\n    protocol: udp");
  reload(replaced(only_udp, "    pool: site\n", "    pool: api\n"));
  EXPECT_EQ(plane.pool("api")->eligible[0].endpoint, shared);
  EXPECT_NE(plane.pool("site")->eligible[0].endpoint, shared);
}

TEST_F(PublisherEndpointsTest, ABackendHasAnotherEndpointWhenItsPoolSpeaksToItInAnotherWay) {
  auto before = plane.pool("site")->eligible[0];
  reload(replaced(kFile, "  - name: site\n", "  - name: site\n    protocol: h2\n"));
  auto after = plane.pool("site")->eligible[0];
  EXPECT_EQ(after.backend, before.backend);
  EXPECT_NE(after.endpoint, before.endpoint);
  std::shared_ptr<pool::Endpoint> of_prober;
  for (const health::WatchedBackend& watched : plane.publisher.watched()) {
    if (watched.backend == after.backend) of_prober = watched.endpoint;
  }
  EXPECT_EQ(of_prober, after.endpoint);
}

TEST_F(PublisherEndpointsTest, NothingIsRememberedOfAServerThatNoPoolHas) {
  auto failures = [](pool::Endpoint& endpoint) { return endpoint.failed({}, pool::Endpoint::kNoAnswers).local; };
  auto before = plane.pool("site")->eligible[0].endpoint;
  before->failed({.local = 1}, pool::Endpoint::kNoAnswers);
  reload(replaced(kFile, "port: 80}\n      - {id: web-2", "port: 80, weight: 9}\n      - {id: web-2"));
  EXPECT_EQ(failures(*plane.pool("site")->eligible[0].endpoint), 1u) << "the same over changes";
  before.reset();
  reload(replaced(kFile, "      - {id: web-1, host: 10.0.0.1, port: 80}\n", ""));
  plane.published.clear();
  reload(kFile);
  EXPECT_EQ(failures(*plane.pool("site")->eligible[0].endpoint), 0u);
}

}  // namespace
}  // namespace weir::control
