#include "app/status_text.h"

#include <gtest/gtest.h>

namespace weir::app {
namespace {

TEST(StatusText, CountsOnlyTheStatesThatThereAre) {
  Json health = Json::parse(R"({"status": "ok", "load_balancer_id": "lb", "version": "1", "uptime_seconds": 3700.5,
      "active_connections": 2, "requests_per_sec": 1.25, "backend_health": {"total": 3, "healthy": 2, "unhealthy": 1}})");
  EXPECT_EQ(status_text(health, {}),
            "lb (weir 1)\nstatus       ok\nup           1 h 1 min\nconnections  2\nrequests/s   1.2\n"
            "backends     2 healthy, 1 unhealthy\n");
  EXPECT_TRUE(status_text(Json::object(), {}).contains("backends     none"));
}

TEST(StatusText, NamesDegradedPoolsAndObjectsSetAsideWithTheirReasons) {
  Json health = Json::parse(R"({"status": "degraded", "degraded_pools": ["a", "b", 5],
      "set_aside": [{"object": "pool", "id": "x", "status": "set_aside", "reason": "the file has it"},
                    {"object": "rule", "id": "y\u001b", "status": "set_aside", "reason": "no pool"}, "strange"]})");
  Json degraded = Json::parse(R"([{"pool": "a", "backends": [
      {"id": "a-1", "status": "unhealthy", "reason": "connect: refused"}, {"id": "a-2"}]}])");
  std::string text = status_text(health, degraded);
  EXPECT_TRUE(
      text.contains("degraded     pool a: no healthy backend; a-1 is unhealthy: connect: refused, and 1 more\n"
                    "             pool b\n"))
      << text;
  EXPECT_TRUE(text.contains("set aside    pool x: the file has it\n             rule y?: no pool\n")) << text;
}

TEST(StatusText, CountsWhatIsTooMuchToRead) {
  Json health{{"degraded_pools", Json::array()}, {"set_aside", Json::array()}};
  for (int i = 0; i < 25; ++i) {
    health["degraded_pools"].push_back("p" + std::to_string(i));
    health["set_aside"].push_back({{"object", "pool"}, {"id", std::to_string(i)}, {"reason", "r"}});
  }
  std::string text = status_text(health, {});
  EXPECT_TRUE(text.contains("             pool p19\n             and 5 more\nset aside    pool 0: r\n")) << text;
}

TEST(BackendText, HasStateLastCheckLastErrorAndHistory) {
  Json backend = Json::parse(R"({"id": "web-1", "pool": "site", "address": "10.0.0.1:80", "status": "unhealthy",
      "since": "S", "reason": "R", "weight": 3, "total_requests": 9, "failed_requests": 2, "active_connections": 1,
      "queued": 0})");
  Json health = Json::parse(R"({"last_check": {"at": "C", "ok": false, "latency_ms": 1.25, "error": "status 503"},
      "last_error": {"at": "E", "reason": "refused", "detail": "connect: Connection refused"},
      "history": [{"at": "1", "from": "unknown", "to": "healthy", "reason": "first check succeeded"},
                  {"at": "2", "from": "healthy", "to": "unhealthy", "reason": "3 failures"}]})");
  EXPECT_EQ(backend_text(backend, health),
            "site/web-1\n"
            "address      10.0.0.1:80\n"
            "status       unhealthy since S\n"
            "reason       R\n"
            "weight       3\n"
            "requests     9, 2 failed, 1 in progress, 0 queued\n"
            "last check   C failed after 1.2 ms: status 503\n"
            "last error   E connect: Connection refused\n"
            "history      1 unknown -> healthy: first check succeeded\n"
            "             2 healthy -> unhealthy: 3 failures\n");
}

TEST(BackendText, SaysWhatHasNotHappened) {
  std::string text = backend_text(Json::parse(R"({"id": "a"})"), Json::parse(R"({"last_check": null})"));
  EXPECT_TRUE(text.contains("last check   none has ended yet\nlast error   none\n")) << text;
  Json good = Json::parse(R"({"last_check": {"at": "C", "ok": true, "latency_ms": 2}})");
  EXPECT_TRUE(backend_text({}, good).contains("last check   C succeeded after 2.0 ms\n"));
}

TEST(BackendText, OfABackendThatIsSetAsideIsItsReason) {
  Json backend = Json::parse(R"({"id": "a", "pool": "p", "status": "set_aside", "reason": "the pool is gone"})");
  EXPECT_EQ(backend_text(backend, {}), "p/a\nstatus       set_aside: the pool is gone\n");
}

}  // namespace
}  // namespace weir::app
