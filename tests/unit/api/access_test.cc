// The callers that are served, and the form in which a call must come.
#include "api/access.h"

#include "tests/unit/api/fixture.h"

namespace weir::api {
namespace {

using testing::HasSubstr;

// The tokens are "see", "run" and "own"; the digests are what sha256sum prints for them, one in capitals.
const std::string kTokens = R"(
admin:
  tokens:
    - {name: eyes, role: viewer, sha256: aa9e9b5c907d50feb410f2a84e81ab72c5ae6724d57ccc53650f9361d33dc734}
    - {name: hands, role: operator, sha256: acba25512100f80b56fc3ccd14c65be55d94800cda77585c5f41a887e398f9be}
    - {name: head, role: admin, sha256: 5B3975651C3CAB92D044C096DC30A1C2D9525497457472DE48C51ECB363D1F4A}
)";

ApiResponse call_with(ControlPlane& plane, const std::string& authorization, const std::string& method,
                      const std::string& path, const std::string& body = "") {
  ApiRequest request = ControlPlane::local(method, path);
  request.authorization = authorization;
  request.body = body;
  if (!body.empty()) request.content_type = "application/json";
  return plane.handle(request);
}

TEST(Tokens, OpenWhatTheirRoleMayDo) {
  ControlPlane plane(kTokens + kFile);
  const std::string body = R"({"address": "10.0.0.9:80", "pool": "site", "id": "x"})";
  auto status = [&](const char* token, const char* method, const char* path, const std::string& with = "") {
    return call_with(plane, std::string("Bearer ") + token, method, path, with).status;
  };
  for (const char* token : {"see", "run", "own"}) EXPECT_EQ(status(token, "GET", "/backends"), 200) << token;
  EXPECT_EQ(status("see", "POST", "/backends/web-1/drain"), 403);
  EXPECT_EQ(status("run", "POST", "/backends/web-1/drain"), 200);
  EXPECT_EQ(status("own", "POST", "/backends/web-1/enable"), 200);
  EXPECT_EQ(status("see", "POST", "/backends", body), 403);
  EXPECT_EQ(status("run", "POST", "/backends", body), 403);
  EXPECT_EQ(status("own", "POST", "/backends", body), 201);
  EXPECT_EQ(status("run", "DELETE", "/backends/x"), 403);
}

TEST(Tokens, AreNamedInTheAuditOfWhatTheyMayNotDo) {
  ControlPlane plane(kTokens + kFile);
  testing::internal::CaptureStderr();
  call_with(plane, "Bearer see", "POST", "/backends/web-1/drain");
  call_with(plane, "Bearer nobody", "POST", "/backends/web-1/drain");
  std::string log = testing::internal::GetCapturedStderr();
  EXPECT_THAT(log, HasSubstr("audit: eyes from 127.0.0.1:5555: POST /backends/web-1/drain: 403"));
  EXPECT_THAT(log, HasSubstr("audit: ? from 127.0.0.1:5555: POST /backends/web-1/drain: 401"));
}

TEST(Tokens, AreNeededEvenFromThisMachine) {
  ControlPlane plane(kTokens + kFile);
  for (const char* sent : {"", "Bearer", "Bearer ", "Bearer nobody", "Bearer see2", "Bearer se", "Basic see", "see",
                           "Bearer aa9e9b5c907d50feb410f2a84e81ab72c5ae6724d57ccc53650f9361d33dc734"}) {
    ApiResponse response = call_with(plane, sent, "GET", "/backends");
    EXPECT_EQ(response.status, 401) << sent;
    EXPECT_EQ(header(response, "WWW-Authenticate"), "Bearer realm=\"weir\"");
  }
  EXPECT_EQ(call_with(plane, "bearer  see ", "GET", "/backends").status, 200) << "the scheme ignores case";
}

TEST(Tokens, AreNotNeededForLivenessAndReadiness) {
  ControlPlane plane(kTokens + kFile);
  ApiRequest request = ControlPlane::local("GET", "/health/live");
  request.peer_is_local = false;
  EXPECT_EQ(plane.handle(request).status, 200);
  request.path = "/health/ready";
  EXPECT_EQ(plane.handle(request).status, 200);
  request.path = "/health";
  EXPECT_EQ(plane.handle(request).status, 401);
}

TEST(Tokens, OpenTheDoorFromElsewhereUnderAnyName) {
  ControlPlane plane(kTokens + kFile);
  ApiRequest request = ControlPlane::local("GET", "/backends");
  request.peer_is_local = false;
  request.host = "weir.example.com";
  request.authorization = "Bearer see";
  EXPECT_EQ(plane.handle(request).status, 200);
}

TEST(Tokens, StrangersDoNotLearnWhatThereIs) {
  ControlPlane plane(kTokens + kFile);
  EXPECT_EQ(call_with(plane, "", "GET", "/nowhere").status, 401);
  EXPECT_EQ(call_with(plane, "", "BREW", "/backends").status, 401);
  EXPECT_EQ(call_with(plane, "", "GET", "/backends/nobody").status, 401);
}

TEST(Tokens, DigestsStayInside) {
  ControlPlane plane(kTokens + kFile);
  ApiResponse response = call_with(plane, "Bearer own", "GET", "/config");
  EXPECT_EQ(response.status, 200);
  EXPECT_THAT(response.body, HasSubstr("\"eyes\""));
  EXPECT_THAT(response.body, testing::Not(HasSubstr("aa9e9b5c")));
}

TEST(WithoutTokens, OnlyThisMachineIsServed) {
  ControlPlane plane(kFile);
  ApiRequest request = ControlPlane::local("GET", "/backends");
  request.peer_is_local = false;
  request.peer = "192.0.2.1:40000";
  EXPECT_EQ(plane.handle(request).status, 403);
  request.path = "/health/live";
  EXPECT_EQ(plane.handle(request).status, 403);
}

TEST(WithoutTokens, NamesThatForeignDnsCouldPointHereAreRefused) {
  ControlPlane plane(kFile);
  auto status = [&](const char* host) {
    ApiRequest request = ControlPlane::local("GET", "/backends");
    request.host = host;
    return plane.handle(request).status;
  };
  for (const char* host : {"evil.example", "evil.example:9090", "127.0.0.1.evil.example", "localhost.evil.example"}) {
    EXPECT_EQ(status(host), 421) << host;
  }
  for (const char* host : {"", "127.0.0.1", "127.0.0.1:9090", "[::1]:9090", "[::1]", "localhost", "localhost:9090",
                           "weir.localhost", "weir", "weir:9090"}) {
    EXPECT_EQ(status(host), 200) << host;
  }
}

TEST(Changes, FromPagesOfAnotherOriginAreRefused) {
  ControlPlane plane(kFile);
  auto status = [&](const char* method, const char* origin) {
    ApiRequest request = ControlPlane::local(method, "/backends/web-1/drain");
    if (std::string_view(method) == "GET") request.path = "/backends";
    request.origin = origin;
    return plane.handle(request).status;
  };
  for (const char* origin : {"http://evil.example", "null", "http://127.0.0.1:9091", "http://127.0.0.1",
                             "127.0.0.1:9090", "http://127.0.0.1:9090.evil.example"}) {
    EXPECT_EQ(status("POST", origin), 403) << origin;
  }
  EXPECT_EQ(status("POST", "http://127.0.0.1:9090"), 200);
  EXPECT_EQ(status("POST", ""), 200);
  EXPECT_EQ(status("GET", "http://evil.example"), 200) << "the browser keeps the answer from the page";
}

TEST(Changes, FromPagesOfAnotherOriginAreRefusedEvenWithAToken) {
  ControlPlane plane(kTokens + kFile);
  ApiRequest request = ControlPlane::local("POST", "/backends/web-1/drain");
  request.authorization = "Bearer own";
  request.origin = "http://evil.example";
  EXPECT_EQ(plane.handle(request).status, 403);
}

TEST(Bodies, MustBeJsonByTheirType) {
  ControlPlane plane;
  auto status = [&](const char* type, const std::string& method = "POST") {
    ApiRequest request = ControlPlane::local(method, "/backends");
    request.body = R"({"address": "10.0.0.1:80"})";
    request.content_type = type;
    return plane.handle(request).status;
  };
  for (const char* type : {"", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
                           "application/jsonp", "json"}) {
    EXPECT_EQ(status(type), 415) << type;
  }
  EXPECT_EQ(status("Application/JSON; charset=utf-8"), 201);
}

TEST(Bodies, AreCheckedForTheirTypeWhereNoneIsNeededToo) {
  ControlPlane plane(kFile);
  ApiRequest request = ControlPlane::local("POST", "/backends/web-1/drain");
  request.body = "x=1";
  request.content_type = "text/plain";
  EXPECT_EQ(plane.handle(request).status, 415);
  request.body.clear();
  request.content_type.clear();
  EXPECT_EQ(plane.handle(request).status, 200);
}

TEST(Bodies, OfMoreThanAMegabyteAreRefused) {
  ControlPlane plane;
  EXPECT_EQ(plane.call("POST", "/backends", std::string(kMaxBodyBytes + 1, ' ')).status, 413);
  EXPECT_EQ(plane.call("POST", "/backends", std::string(kMaxBodyBytes, ' ')).status, 400) << "of the greatest size";
}

TEST(Bodies, NestedVeryDeeplyAreRefused) {
  ControlPlane plane;
  EXPECT_EQ(plane.call("POST", "/pools", std::string(500'000, '[')).status, 400);
  EXPECT_EQ(plane.call("POST", "/routing-rules", std::string(100'000, '[') + std::string(100'000, ']')).status, 400);
}

TEST(Paths, ThatDoNotExistAreNotFound) {
  ControlPlane plane(kFile);
  for (const char* path : {"/nowhere", "/backends/", "/backends/web-1/", "/backends/web-1/restart", "//backends",
                           "/Backends", "", "*", "/backends/%zz", "/backends/%4", "/pools/site/backends"}) {
    EXPECT_EQ(plane.call("GET", path).status, 404) << path;
  }
}

TEST(Methods, ThatACallDoesNotTakeAreToldWhichItDoes) {
  ControlPlane plane(kFile);
  ApiResponse response = plane.call("PUT", "/backends");
  EXPECT_EQ(response.status, 405);
  EXPECT_EQ(header(response, "Allow"), "GET, HEAD, POST");
  EXPECT_EQ(header(plane.call("POST", "/backends/web-1"), "Allow"), "GET, HEAD, PATCH, DELETE");
  EXPECT_EQ(header(plane.call("GET", "/config/algorithm"), "Allow"), "PUT");
  EXPECT_EQ(plane.call("HEAD", "/backends").status, 200);
  EXPECT_EQ(plane.call("BREW", "/backends").status, 405);
}

TEST(Accept, IsHonoured) {
  ControlPlane plane(kFile);
  auto status = [&](const char* path, const char* accept) {
    ApiRequest request = ControlPlane::local("GET", path);
    request.accept = accept;
    return plane.handle(request).status;
  };
  EXPECT_EQ(status("/backends", "text/html"), 406);
  EXPECT_EQ(status("/backends", "text/html, */*;q=0.1"), 200);
  EXPECT_EQ(status("/metrics", "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"), 200);
  EXPECT_EQ(status("/", "text/html,application/xhtml+xml"), 200);
}

TEST(Answers, AreNeitherCachedNorGuessed) {
  ControlPlane plane(kFile);
  for (const char* path : {"/backends", "/nowhere"}) {
    ApiResponse response = plane.call("GET", path);
    EXPECT_EQ(header(response, "Cache-Control"), "no-store");
    EXPECT_EQ(header(response, "X-Content-Type-Options"), "nosniff");
  }
}

}  // namespace
}  // namespace weir::api
