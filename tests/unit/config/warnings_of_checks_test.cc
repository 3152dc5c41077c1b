#include <array>
#include <fmt/format.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "config/warnings.h"

namespace weir::config {
namespace {

using testing::HasSubstr;

constexpr KindEntry entry(std::string_view name, Traits traits) {
  return {.name = name, .summary = "", .options = {}, .traits = traits};
}

Faults warnings_of(const Config& config) {
  static constexpr std::array kCheckers{entry("tcp", {.by_any = true}), entry("command", {.runs_program = true}),
                                        entry("http", {.over_http = true, .asks_path = true}),
                                        entry("udp", {.over_udp = true}),
                                        entry("grpc", {.over_http = true, .needs_http2 = true})};
  return warnings_of_checks(config, kCheckers);
}

Choice by(std::string type) { return {.name = std::move(type), .options = {}}; }

// Of a pool "site" with that check, which a listener of that protocol uses.
std::string warning(ListenerProtocol listener, Choice checker, PoolProtocol protocol = PoolProtocol::http_1_1) {
  Config config;
  Pool& pool = config.pools.emplace_back();
  pool.name = "site";
  pool.protocol = protocol;
  pool.health_check.checker = std::move(checker);
  Listener& web = config.listeners.emplace_back();
  web.protocol = listener;
  web.pool = "site";
  std::string text;
  for (const Fault& fault : warnings_of(config)) text += fmt::format("{}: {}\n", fault.path, fault.message);
  return text;
}

TEST(WarningsOfChecks, AreNotGivenForChecksThatSpeakWhatTrafficSpeaks) {
  EXPECT_EQ(warning(ListenerProtocol::http, by("tcp")), "");
  EXPECT_EQ(warning(ListenerProtocol::http, by("http")), "");
  EXPECT_EQ(warning(ListenerProtocol::https, by("http"), PoolProtocol::h2), "");
  EXPECT_EQ(warning(ListenerProtocol::http, by("grpc"), PoolProtocol::h2), "");
  EXPECT_EQ(warning(ListenerProtocol::tcp, by("grpc")), "");
  EXPECT_EQ(warning(ListenerProtocol::udp, by("udp")), "");
  EXPECT_EQ(warning(ListenerProtocol::tls, by("tcp")), "");
  EXPECT_EQ(warning(ListenerProtocol::udp, by("command")), "");
}

TEST(WarningsOfChecks, NameChecksThatCannotWork) {
  EXPECT_THAT(warning(ListenerProtocol::udp, by("tcp")), HasSubstr("pools[0].health_check.type: 'tcp' probes over"));
  EXPECT_THAT(warning(ListenerProtocol::http, by("udp")), HasSubstr("no udp listener uses the pool"));
  EXPECT_THAT(warning(ListenerProtocol::http, by("grpc")), HasSubstr("'grpc' needs HTTP/2"));
  Choice http_1_1{.name = "http", .options = {{"version", std::string("1.1")}}};
  EXPECT_THAT(warning(ListenerProtocol::http, http_1_1, PoolProtocol::h2), HasSubstr("version: probes by HTTP/1.1"));
  Choice http_2{.name = "http", .options = {{"version", std::string("2")}}};
  EXPECT_THAT(warning(ListenerProtocol::http, http_2), HasSubstr("version: probes by HTTP/2"));
  EXPECT_THAT(warning(ListenerProtocol::tls, by("http")),
              HasSubstr("'http' probes in clear, but tls listeners pass TLS through to "
                        "the backends; use `type: tcp`, `tls` of"));
}

TEST(WarningsOfChecks, NameAPathThatNoCheckAsksFor) {
  Config config;
  Pool& pool = config.pools.emplace_back();
  pool.health_check.checker = by("grpc");
  pool.backends.emplace_back().health_check_path = "/x";
  Faults found = warnings_of(config);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].path, "pools[0].backends[0].health_check_path");
}

}  // namespace
}  // namespace weir::config
