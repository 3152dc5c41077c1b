#include "app/admin_client.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <unistd.h>

#include "app/command_admin.h"
#include "net/listener.h"

namespace weir::app {
namespace {

TEST(AdminAddress, IsThePackagesSocketWhereThereIsOne) {
  std::string pattern = testing::TempDir() + "weir-admin-XXXXXX";
  std::string folder = mkdtemp(pattern.data());
  std::string path = folder + "/admin.sock";
  EXPECT_EQ(default_admin_address(path.c_str()), "127.0.0.1:9090");
  std::ofstream(path) << "no socket";
  EXPECT_EQ(default_admin_address(path.c_str()), "127.0.0.1:9090");
  std::filesystem::remove(path);
  close(*net::listen_unix(path));
  EXPECT_EQ(default_admin_address(path.c_str()), "unix:" + path);
  std::filesystem::remove_all(folder);
}

TEST(AdminUrl, TakesHostAndPortAnUrlOrAUnixSocket) {
  EXPECT_EQ(admin_url("127.0.0.1:9090", "/health")->url, "http://127.0.0.1:9090/health");
  EXPECT_EQ(admin_url("[::1]:9090", "/health")->url, "http://[::1]:9090/health");
  EXPECT_EQ(admin_url("http://lb.example:80/", "/a?b=c")->url, "http://lb.example:80/a?b=c");
  auto socket = admin_url("unix:/run/weir/admin.sock", "/health");
  EXPECT_EQ(socket->url, "http://localhost/health");
  EXPECT_EQ(socket->unix_path, "/run/weir/admin.sock");
}

TEST(AdminUrl, RefusesEverythingElse) {
  for (const char* address :
       {"", "localhost", ":9090", "a:", "a:b", "unix:", "a:1/x:2", "https://a:1", "u@h:1", "a b:1"}) {
    EXPECT_FALSE(admin_url(address, "/")) << address;
  }
}

TEST(ProblemText, IsTheDetailOfAProblemDocument) {
  EXPECT_EQ(problem_text(404, R"({"title": "Not Found", "detail": "there is no backend 'x'"})"),
            "there is no backend 'x' (status 404)");
  EXPECT_EQ(problem_text(404, R"({"title": "Not Found"})"), "Not Found (status 404)");
}

TEST(ProblemText, HasEachErrorOfAConfigurationOnALineOfItsOwn) {
  EXPECT_EQ(problem_text(409, R"({"detail": "has errors; /w.yaml:1:2: pools: a; /w.yaml:3:4: b", "errors": [
                {"file": "/w.yaml", "line": 1, "column": 2, "field": "pools", "message": "a"},
                {"file": "/w.yaml", "line": 3, "column": 4, "message": "b"}]})"),
            "has errors (status 409)\n/w.yaml:1:2: pools: a\n/w.yaml:3:4: b");
}

TEST(ProblemText, IsTheFirstLineOfAnythingElse) {
  EXPECT_EQ(problem_text(502, "oops\nmore"), "oops (status 502)");
  EXPECT_EQ(problem_text(502, ""), "the admin API answered 502");
  EXPECT_EQ(problem_text(502, R"({"detail": 5})"), "the admin API answered 502");
  EXPECT_EQ(problem_text(400, "\x1b[1m"), "?[1m (status 400)");
}

TEST(PercentEncoded, KeepsOnlyUnreservedCharacters) {
  EXPECT_EQ(percent_encoded("a-Z_0.9~"), "a-Z_0.9~");
  EXPECT_EQ(percent_encoded("pool/10.0.0.1:80?\xff"), "pool%2F10.0.0.1%3A80%3F%FF");
}

TEST(AdminClient, SaysThatNobodyAnswers) {
  auto answer = AdminClient("unix:/nowhere/at/all", "").call("GET", "/health");
  ASSERT_FALSE(answer);
  EXPECT_FALSE(answer.error().answered);
  EXPECT_TRUE(answer.error().message.contains("unix:/nowhere/at/all"));
}

TEST(BackendsText, HasALineForEachAndADashForWhatIsMissing) {
  Json backends = Json::parse(R"([{"pool": "site", "id": "a", "address": "h:1", "status": "healthy", "weight": 3,
                                   "active_connections": 0, "total_requests": 12, "failed_requests": 1, "since": "today", "reason": "first check succeeded"},
                                  {"id": 5}, "none"])");
  std::string text = backends_text(backends);
  EXPECT_TRUE(
      text.contains("site  a   h:1      healthy       3       0        12       1  today  first check succeeded\n"))
      << text;
  EXPECT_EQ(std::ranges::count(text, '\n'), 4);
  EXPECT_EQ(backends_text(Json::array()), "no backends\n");
}

TEST(BackendsText, ShowsTheFilesWeightBesideAnOperators) {
  Json backends =
      Json::parse(R"([{"id": "a", "weight": 9, "file_weight": 4}, {"id": "b", "weight": 3, "file_weight": null}])");
  std::string text = backends_text(backends);
  EXPECT_TRUE(text.contains("  9 (file: 4)  ")) << text;
  EXPECT_EQ(text.find("(file", text.find("(file") + 1), std::string::npos) << text;
}

}  // namespace
}  // namespace weir::app
