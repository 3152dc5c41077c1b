#include "control/steward.h"

#include <atomic>
#include <thread>

#include "tests/unit/api/fixture.h"
#include "tests/unit/control/idle_workers.h"

namespace weir::control {
namespace {

using api::ControlPlane;
using api::Json;
using pool::BackendState;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;

// Probes are off: without a network a backend is healthy as soon as the prober knows its address.
constexpr std::string_view kPool = R"(
pools:
  - name: site
    health_check: off
    backends:
      - {id: web-1, host: 10.0.0.1, port: 80}
      - {id: web-2, host: 10.0.0.2, port: 80}
)";

class StewardTest : public testing::Test {
 protected:
  StewardTest() {
    steward_ = std::make_unique<Steward>(Steward::Parts{.publisher = plane_.publisher,
                                                        .catalog = plane_.catalog,
                                                        .certificates = certificates_,
                                                        .filters = filters_,
                                                        .prober = prober_,
                                                        .names = names_,
                                                        .events = plane_.events,
                                                        .ejections = plane_.ejections,
                                                        .services = workers_.services,
                                                        .workers = workers_.all,
                                                        .tick = [this] { ++ticks_; },
                                                        .is_stopping = [] { return false; }});
    plane_.turn();
  }
  ~StewardTest() override {
    plane_.run(names_.close());
    plane_.turn();
  }

  void reload(const std::string& yaml) { EXPECT_TRUE(plane_.run(plane_.catalog.reload(ControlPlane::read(yaml)))); }
  std::shared_ptr<pool::Backend> backend(const std::string& id) { return plane_.publisher.find({"site", id}); }
  void transition(const std::string& id, BackendState to, std::string reason = "probed") {
    steward_->transition({backend(id), BackendState::unknown, to, std::move(reason)});
  }
  // The health thread works on its own.
  bool comes_to_watch(const pool::Backend& backend, BackendState state) {
    auto give_up = base::now() + seconds(10);
    auto is_so = [&] {
      std::optional<health::HealthDetails> details = prober_.details(backend);
      return details && details->state == state;
    };
    while (!is_so() && base::now() < give_up) std::this_thread::yield();
    return is_so();
  }

  IdleWorkers workers_;
  std::unique_ptr<Steward> steward_;  // outlives its run(), which ends with the plane
  ControlPlane plane_{std::string(kPool)};
  Filters filters_{1, nullptr};
  Certificates certificates_{{.libraries = {}, .unix_time = [] { return std::int64_t{0}; }}};
  health::Prober prober_{{}, [](const health::Transition&) {}};
  net::Resolver resolver_;
  net::NameWatch names_{resolver_, {}, [](const std::string&, const std::vector<base::IpAddress>&) {}};
  int ticks_ = 0;
};

TEST_F(StewardTest, AVerdictOfTheProbesIsPublishedAtOnceAndTold) {
  plane_.turn(milliseconds(50));  // since the first snapshot
  transition("web-1", BackendState::unhealthy, R"(said "no")");
  EXPECT_THAT(plane_.eligible("site"), ElementsAre("web-2"));
  Event event = plane_.events.after(0).back();
  EXPECT_EQ(event.type, "health");
  Json data = Json::parse(event.data);
  EXPECT_EQ(data["backend"], "web-1");
  EXPECT_EQ(data["from"], "unknown");
  EXPECT_EQ(data["to"], "unhealthy");
  EXPECT_EQ(data["reason"], R"(said "no")");
}

TEST_F(StewardTest, VerdictsThatComeTogetherArePublishedTogether) {
  plane_.run(steward_->run());
  plane_.turn(seconds(1));
  transition("web-1", BackendState::unhealthy);
  transition("web-2", BackendState::unhealthy);
  plane_.turn();
  EXPECT_THAT(plane_.eligible("site"), ElementsAre("web-2")) << "the second waits for more";
  plane_.turn(milliseconds(30));
  EXPECT_THAT(plane_.eligible("site"), ElementsAre());
}

TEST_F(StewardTest, EverybodyElseHasATickOnceASecond) {
  plane_.run(steward_->run());
  EXPECT_EQ(ticks_, 1);
  plane_.turn(milliseconds(950));
  transition("web-1", BackendState::unhealthy);
  plane_.turn();
  EXPECT_EQ(ticks_, 1) << "news are no tick";
  plane_.turn(milliseconds(100));
  EXPECT_EQ(ticks_, 2);
  plane_.turn(seconds(3));
  EXPECT_GE(ticks_, 4);
  EXPECT_LE(ticks_, 5);
}

TEST_F(StewardTest, TheProberFollowsTheConfiguration) {
  EXPECT_FALSE(prober_.details(*backend("web-1")));
  plane_.run(steward_->run());
  EXPECT_TRUE(comes_to_watch(*backend("web-1"), BackendState::healthy));
  reload(std::string(kPool) + "      - {id: web-3, host: 10.0.0.3, port: 80}\n");
  EXPECT_FALSE(prober_.details(*backend("web-3")));
  steward_->follow_configuration();
  EXPECT_TRUE(comes_to_watch(*backend("web-3"), BackendState::healthy));
}

TEST_F(StewardTest, NewAddressesReachTheProberOnceTheWorkersHaveThem) {
  auto web_1 = backend("web-1");
  steward_->follow_configuration();
  ASSERT_TRUE(comes_to_watch(*web_1, BackendState::healthy));
  plane_.names["web.example"] = {{*base::IpAddress::parse("10.9.9.9"), 0}};
  // Never asked for by the watch of names: the fixture resolves.
  reload(std::string(kPool) + "      - {id: web-4, host: web.example, port: 80}\n");
  auto web_4 = backend("web-4");
  plane_.run(steward_->run());
  ASSERT_TRUE(comes_to_watch(*web_4, BackendState::healthy));
  plane_.names.clear();
  plane_.name_error = "no such name";
  steward_->addresses_changed("web.example");
  plane_.turn(milliseconds(100));
  EXPECT_TRUE(comes_to_watch(*web_4, BackendState::unhealthy));
  EXPECT_THAT(plane_.eligible("site"), ElementsAre("web-1", "web-2"));
}

TEST_F(StewardTest, WhatIsInProgressOnABackendThatLeavesEndsWithItsDrainTimeout) {
  auto web_1 = backend("web-1");
  plane_.run(steward_->run());
  web_1->state = BackendState::draining;
  steward_->leave(web_1, seconds(2), false);
  plane_.turn(milliseconds(1950));
  EXPECT_FALSE(web_1->cut_off);
  plane_.turn(milliseconds(100));
  EXPECT_TRUE(web_1->cut_off);
}

TEST_F(StewardTest, ObjectsThatAreSetAsideAndTakenBackAreTold) {
  steward_->set_aside({"pool", "shop"}, R"(no "site")");
  Event event = plane_.events.after(0).back();
  EXPECT_EQ(event.type, "set_aside");
  EXPECT_EQ(Json::parse(event.data)["reason"], R"(no "site")");
  steward_->set_aside({"pool", "shop"}, "");
  event = plane_.events.after(0).back();
  EXPECT_EQ(event.type, "taken_back");
  EXPECT_EQ(Json::parse(event.data)["id"], "shop");
}

}  // namespace
}  // namespace weir::control
