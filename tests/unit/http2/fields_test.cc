#include "http2/fields.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "http2/head.h"

namespace weir::http2 {
namespace {

using Kind = FieldVerdict::Kind;
using Fields = std::vector<std::pair<std::string, std::string>>;

struct Request {
  base::Arena arena;
  http::RequestHead head;
  FieldVerdict verdict;
};

void read(Request& request, const Fields& fields, bool ends_stream = true, FieldLimits limits = {}) {
  RequestSection section;
  section.begin(request.head, request.arena, limits);
  for (const auto& [name, value] : fields) section.take(name, value);
  request.verdict = section.finish(ends_stream);
}

const Fields kGet{{":method", "GET"}, {":scheme", "https"}, {":authority", "a.example"}, {":path", "/x?y=1"}};

Fields get_with(std::initializer_list<std::pair<std::string, std::string>> more) {
  Fields fields = kGet;
  fields.insert(fields.end(), more);
  return fields;
}

Kind kind_of(const Fields& fields, bool ends_stream = true) {
  Request request;
  read(request, fields, ends_stream);
  return request.verdict.kind;
}

TEST(H2Request, BecomesAHead) {
  Request request;
  read(request, get_with({{"accept", "*/*"}, {"x-tenant", "acme"}}));
  ASSERT_EQ(request.verdict.kind, Kind::fine) << request.verdict.what;
  const http::RequestHead& head = request.head;
  EXPECT_EQ(head.method, "GET");
  EXPECT_EQ(head.version, http::Version::http_2);
  EXPECT_EQ(head.target, "/x?y=1");
  EXPECT_EQ(head.path, "/x");
  EXPECT_EQ(head.query, "y=1");
  EXPECT_EQ(head.authority, "a.example");
  EXPECT_EQ(head.body.kind, http::BodyFraming::Kind::none);
  EXPECT_EQ(head.headers.size(), 2u);
  EXPECT_EQ(head.headers.find("x-tenant")->value, "acme");
}

TEST(H2Request, OutlivesTheMemoryItsFieldsWereReadFrom) {
  Request request;
  RequestSection section;
  section.begin(request.head, request.arena, {});
  for (const auto& [name, value] : get_with({{"x-a", "b"}})) {
    std::string n = name, v = value;
    section.take(n, v);
    n.assign(n.size(), '#'), v.assign(v.size(), '#');
  }
  EXPECT_EQ(section.finish(true).kind, Kind::fine);
  EXPECT_EQ(request.head.path, "/x");
  EXPECT_EQ(request.head.headers[0].name, "x-a");
  EXPECT_EQ(request.head.headers[0].value, "b");
}

TEST(H2Request, HasABodyUnlessItsHeadEndsTheStream) {
  Request sized, unsized, empty;
  read(sized, get_with({{"content-length", "5"}}), false);
  EXPECT_EQ(sized.head.body, (http::BodyFraming{http::BodyFraming::Kind::length, 5}));
  read(unsized, kGet, false);
  EXPECT_EQ(unsized.head.body.kind, http::BodyFraming::Kind::chunked);
  read(empty, get_with({{"content-length", "0"}}), true);
  EXPECT_EQ(empty.verdict.kind, Kind::fine);
  EXPECT_EQ(kind_of(get_with({{"content-length", "5"}}), true), Kind::malformed);
}

TEST(H2Request, JoinsItsCookies) {
  Request request;
  read(request, get_with({{"cookie", "a=1"}, {"accept", "*/*"}, {"cookie", "b=2"}, {"cookie", "c=3"}, {"x", "y"}}));
  ASSERT_EQ(request.head.headers.size(), 3u);
  EXPECT_EQ(request.head.headers[0].value, "a=1; b=2; c=3");
  EXPECT_EQ(request.head.headers[1].id, http::HeaderId::accept);
  EXPECT_EQ(request.head.headers[2].name, "x");
}

TEST(H2Request, IsMalformedWhenItsPseudoFieldsAreNotOneOfEach) {
  EXPECT_EQ(kind_of({{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}}), Kind::malformed);
  EXPECT_EQ(kind_of({{":method", "GET"}, {":path", "/"}, {":authority", "a"}}), Kind::malformed);
  EXPECT_EQ(kind_of({{":scheme", "http"}, {":path", "/"}, {":authority", "a"}}), Kind::malformed);
  EXPECT_EQ(kind_of(get_with({{":path", "/"}})), Kind::malformed);
  EXPECT_EQ(kind_of(get_with({{":status", "200"}})), Kind::malformed);
  EXPECT_EQ(kind_of(get_with({{":foo", "bar"}})), Kind::malformed);
  EXPECT_EQ(kind_of({{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", ""}}), Kind::malformed);
  EXPECT_EQ(kind_of({{":method", "GET"}, {":scheme", "http"}, {"x", "y"}, {":authority", "a"}, {":path", "/"}}),
            Kind::malformed);
}

TEST(H2Request, IsMalformedWithFieldsThatCouldBeReadDifferentlyInHttp1) {
  for (auto [name, value] : Fields{{"X-Upper", "a"},
                                   {"", "a"},
                                   {"x y", "a"},
                                   {"x:y", "a"},
                                   {"x\r\ny", "a"},
                                   {"x", "a\r\nb: c"},
                                   {"x", "a\nb"},
                                   {"x", std::string("a\0b", 3)},
                                   {"x", " a"},
                                   {"x", "a\t"},
                                   {"connection", "close"},
                                   {"keep-alive", "5"},
                                   {"proxy-connection", "close"},
                                   {"transfer-encoding", "chunked"},
                                   {"upgrade", "h2c"},
                                   {"te", "gzip"},
                                   {"content-length", "+1"},
                                   {"content-length", "1, 1"},
                                   {"host", "b.example"}}) {
    EXPECT_EQ(kind_of(get_with({{name, value}})), Kind::malformed) << name << ": " << value;
  }
  EXPECT_EQ(kind_of(get_with({{"content-length", "1"}, {"content-length", "1"}}), false), Kind::malformed);
  EXPECT_EQ(kind_of({{":method", "GET /x HTTP/1.1"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/"}}),
            Kind::malformed);
  EXPECT_EQ(kind_of({{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/ HTTP/1.1\r\nx: y"}}),
            Kind::malformed);
}

TEST(H2Request, TakesTeTrailersAndHostThatAgrees) {
  EXPECT_EQ(kind_of(get_with({{"te", "trailers"}, {"host", "A.example"}})), Kind::fine);
  Request by_host;
  read(by_host, {{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {"host", "h.example:8080"}});
  EXPECT_EQ(by_host.verdict.kind, Kind::fine);
  EXPECT_EQ(by_host.head.authority, "h.example:8080");
  EXPECT_TRUE(by_host.head.headers.empty());
}

TEST(H2Request, IsRefusedWithAStatusWhereHttp1WouldBe) {
  auto status = [](const Fields& fields, FieldLimits limits = {}) {
    Request request;
    read(request, fields, true, limits);
    return request.verdict.kind == Kind::refused ? request.verdict.status : 0;
  };
  EXPECT_EQ(status({{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/../../x"}}), 400);
  EXPECT_EQ(status({{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", "http://a/"}}), 400);
  EXPECT_EQ(status({{":method", "GET"}, {":scheme", "ftp"}, {":authority", "a"}, {":path", "/"}}), 400);
  EXPECT_EQ(status({{":method", "GET"}, {":scheme", "http"}, {":authority", "u@a"}, {":path", "/"}}), 400);
  EXPECT_EQ(status({{":method", "GET"}, {":scheme", "http"}, {":path", "/"}}), 400);
  EXPECT_EQ(status(get_with({{"x", std::string(500, 'y')}}), {.bytes = 400}), 431);
  EXPECT_EQ(status(get_with({{"x", "y"}, {"z", "y"}}), {.count = 5}), 431);
}

TEST(H2Request, AnExtendedConnectIsAnUpgrade) {
  Request request;
  read(
      request,
      {{":method", "CONNECT"}, {":protocol", "websocket"}, {":scheme", "https"}, {":authority", "a"}, {":path", "/ws"}},
      false);
  ASSERT_EQ(request.verdict.kind, Kind::fine) << request.verdict.what;
  EXPECT_TRUE(request.head.extended_connect);
  EXPECT_TRUE(request.head.wants_upgrade);
  EXPECT_EQ(request.head.upgrade, "websocket");
  EXPECT_EQ(request.head.method, "GET");
  EXPECT_EQ(request.head.body.kind, http::BodyFraming::Kind::none);
  EXPECT_EQ(kind_of(get_with({})), Kind::fine);
  EXPECT_EQ(kind_of({{":method", "GET"},
                     {":protocol", "websocket"},
                     {":scheme", "https"},
                     {":authority", "a"},
                     {":path", "/ws"}}),
            Kind::malformed);
}

TEST(H2Request, APlainConnectHasAnAuthorityOnly) {
  Request request;
  read(request, {{":method", "CONNECT"}, {":authority", "a.example:443"}}, false);
  EXPECT_EQ(request.verdict.kind, Kind::fine);
  EXPECT_EQ(request.head.form, http::TargetForm::authority);
  EXPECT_EQ(kind_of({{":method", "CONNECT"}, {":scheme", "http"}, {":path", "/"}, {":authority", "a:1"}}),
            Kind::malformed);
}

TEST(H2Request, ASectionFarBeyondItsLimitIsNotKept) {
  Request request;
  RequestSection section;
  section.begin(request.head, request.arena, {});
  std::string large(4000, 'v');
  for (int i = 0; i < 1000; ++i) section.take("x", large);
  EXPECT_GT(section.bytes(), 4'000'000u);
  EXPECT_LT(request.head.headers.size(), 5u);
  EXPECT_EQ(section.finish(true).status, 431);
}

FieldVerdict read_response(http::ResponseHead& head, base::Arena& arena, const Fields& fields, bool ends_stream,
                           std::string_view method = "GET") {
  ResponseSection section;
  section.begin(head, arena, {});
  for (const auto& [name, value] : fields) section.take(name, value);
  return section.finish(ends_stream, method);
}

TEST(H2Response, SaysHowItsBodyEnds) {
  base::Arena arena;
  http::ResponseHead head;
  EXPECT_EQ(read_response(head, arena, {{":status", "200"}, {"content-length", "7"}}, false).kind, Kind::fine);
  EXPECT_EQ(head.body, (http::BodyFraming{http::BodyFraming::Kind::length, 7}));
  EXPECT_EQ(read_response(head, arena, {{":status", "200"}}, false).kind, Kind::fine);
  EXPECT_EQ(head.body.kind, http::BodyFraming::Kind::chunked);
  EXPECT_EQ(read_response(head, arena, {{":status", "200"}, {"content-length", "7"}}, true, "HEAD").kind, Kind::fine);
  EXPECT_EQ(head.body.kind, http::BodyFraming::Kind::none);
  EXPECT_EQ(read_response(head, arena, {{":status", "304"}, {"content-length", "7"}}, true).kind, Kind::fine);
  EXPECT_EQ(read_response(head, arena, {{":status", "200"}, {"content-length", "7"}}, true).kind, Kind::malformed);
}

TEST(H2Response, IsMalformedWithoutOneStatusOfThreeDigits) {
  base::Arena arena;
  http::ResponseHead head;
  for (const Fields& fields : std::vector<Fields>{{},
                                                  {{":status", "99"}},
                                                  {{":status", "20x"}},
                                                  {{":status", "600"}},
                                                  {{":status", "200"}, {":status", "200"}},
                                                  {{"x", "y"}, {":status", "200"}},
                                                  {{":status", "200"}, {":path", "/"}},
                                                  {{":status", "101"}},
                                                  {{":status", "200"}, {"transfer-encoding", "chunked"}}}) {
    EXPECT_EQ(read_response(head, arena, fields, false).kind, Kind::malformed);
  }
  EXPECT_EQ(read_response(head, arena, {{":status", "103"}}, true).kind, Kind::malformed);
  EXPECT_EQ(read_response(head, arena, {{":status", "103"}}, false).kind, Kind::fine);
}

TEST(H2Trailers, AreRegularFieldsThatEndTheStream) {
  base::Arena arena;
  http::HeaderMap fields;
  TrailerSection section;
  section.begin(fields, arena, {});
  section.take("grpc-status", "0");
  EXPECT_EQ(section.finish(true).kind, Kind::fine);
  EXPECT_EQ(fields.find("grpc-status")->value, "0");
  section.begin(fields, arena, {});
  section.take(":status", "200");
  EXPECT_EQ(section.finish(true).kind, Kind::malformed);
  section.begin(fields, arena, {});
  EXPECT_EQ(section.finish(false).kind, Kind::malformed);
}

TEST(HeadSink, KeepsSecretsOutOfTablesThatOthersShare) {
  FieldList fields;
  base::Arena arena;
  HeadSink sink(fields, arena);
  for (const char* name : {"cookie", "Authorization", "Proxy-Authorization", "set-cookie"})
    sink.field(name, "x", true, false);
  sink.field("accept", "x", true, false);
  std::vector<bool> kept_out;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    kept_out.push_back((fields.data()[i].flags & NGHTTP2_NV_FLAG_NO_INDEX) != 0);
  }
  EXPECT_EQ(kept_out, (std::vector<bool>{true, true, true, true, false}));
}

}  // namespace
}  // namespace weir::http2
