#include "http/forward.h"

#include "tests/unit/http/heads.h"

namespace weir::http {
namespace {

// The names of the fields that go on, each with a space behind.
std::string kept(const HeaderMap& headers) {
  const HopByHop hop(headers);
  std::string names;
  for (const HeaderField& field : headers) {
    if (!hop.ends_here(field)) names += std::string(field.name) + " ";
  }
  return names;
}

TEST(HopByHop, EndsTheFieldsThatConcernOneConnectionOnly) {
  Request request = parse_with_fields(
      "Connection: keep-alive\r\nKeep-Alive: timeout=5\r\nProxy-Connection: x\r\nTE: trailers\r\nUpgrade: x\r\n"
      "Transfer-Encoding: chunked\r\nX-A: 1\r\nAccept: */*\r\n");
  EXPECT_EQ(kept(request.head.headers), "Host X-A Accept ");
}

TEST(HopByHop, EndsWhatConnectionNames) {
  Request request = parse_with_fields(
      "Connection: close, X-Mine ,x-other\r\nx-mine: 1\r\nX-Other: 2\r\nX-Mine-Too: 3\r\nConnection: HTTP2-Settings\r\n"
      "HTTP2-Settings: x\r\nClose: 4\r\n");
  EXPECT_EQ(kept(request.head.headers), "Host X-Mine-Too Close ");
}

TEST(HopByHop, DoesNotLetConnectionStripWhatIsMeantForAll) {
  const std::string fields =
      "Content-Length: 0\r\nAuthorization: x\r\nCookie: a=b\r\nX-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: https\r\n"
      "X-Forwarded-Host: a\r\nForwarded: for=1\r\nVia: 1.1 a\r\nX-Request-Id: 1\r\ntraceparent: 1\r\nCache-Control: "
      "x\r\n"
      "Expect: x\r\nMax-Forwards: 1\r\nContent-Type: x\r\n";
  Request request = parse_with_fields(
      "Connection: Host, content-length, AUTHORIZATION, cookie, x-forwarded-for, x-forwarded-proto, x-forwarded-host, "
      "forwarded, via, x-request-id, traceparent, cache-control, expect, max-forwards, content-type\r\n" +
      fields);
  ASSERT_TRUE(request.complete()) << request.parsed.what;
  EXPECT_EQ(kept(request.head.headers),
            "Host Content-Length Authorization Cookie X-Forwarded-For X-Forwarded-Proto X-Forwarded-Host Forwarded Via "
            "X-Request-Id traceparent Cache-Control Expect Max-Forwards Content-Type ");
}

TEST(HopByHop, PassesProxyCredentialsAndTrailerUnlessNamed) {
  Request request = parse_with_fields("Proxy-Authorization: x\r\nTrailer: y\r\n");
  EXPECT_EQ(kept(request.head.headers), "Host Proxy-Authorization Trailer ");
  Request named =
      parse_with_fields("Connection: proxy-authorization, trailer\r\nProxy-Authorization: x\r\nTrailer: y\r\n");
  EXPECT_EQ(kept(named.head.headers), "Host ");
  Response response = parse_response("HTTP/1.1 407 X\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(kept(response.head.headers), "Proxy-Authenticate Content-Length ");
}

TEST(HopByHop, HoldsAsManyNamesAsAHeadMayHave) {
  std::string options;
  std::string fields;
  for (std::size_t i = 0; i < kMaxConnectionOptions; ++i) {
    options += (i == 0 ? "" : ",") + std::string("x-") + std::to_string(i);
    fields += "X-" + std::to_string(i) + ": 1\r\n";
  }
  Request request = parse_with_fields("Connection: " + options + "\r\n" + fields);
  EXPECT_EQ(kept(request.head.headers), "Host ");
  EXPECT_FALSE(HopByHop().ends_here({.name = "x-0", .value = "1"}));
}

TEST(Connection, IsSearchedForAnOption) {
  Request request = parse_with_fields("Connection: a, Close\r\nConnection: ,upgrade\r\n");
  EXPECT_TRUE(connection_has(request.head.headers, "close"));
  EXPECT_TRUE(connection_has(request.head.headers, "upgrade"));
  EXPECT_FALSE(connection_has(request.head.headers, "keep-alive"));
}

TEST(Trailers, AreAcceptedWhenTeSaysSo) {
  EXPECT_TRUE(accepts_trailers(parse_with_fields("TE: gzip;q=0.5, Trailers\r\n").head.headers));
  EXPECT_FALSE(accepts_trailers(parse_with_fields("TE: gzip\r\n").head.headers));
  EXPECT_FALSE(accepts_trailers(parse_with_fields("").head.headers));
}

TEST(Trailers, MayNotFrameRouteOrAuthenticate) {
  auto may_pass = [](std::string_view name) {
    return trailer_may_pass({.name = name, .value = "x", .id = header_id(name)});
  };
  for (const char* name : {"Content-Length",
                           "Transfer-Encoding",
                           "Host",
                           "Connection",
                           "Authorization",
                           "Cookie",
                           "Set-Cookie",
                           "Content-Type",
                           "Trailer",
                           "TE",
                           "Upgrade",
                           "X-Forwarded-For",
                           "Cache-Control",
                           "Expect",
                           "Max-Forwards",
                           "Location",
                           "Age",
                           "If-Match",
                           "If-None-Match",
                           "Www-Authenticate",
                           "Proxy-Authenticate",
                           "Content-Encoding",
                           "Content-Range",
                           "Range",
                           "Vary",
                           "Expires",
                           "Keep-Alive",
                           "Date",
                           "Warning",
                           "Pragma",
                           "Authentication-Info"}) {
    EXPECT_FALSE(may_pass(name)) << name;
  }
  for (const char* name : {"grpc-status", "grpc-message", "X-Checksum", "Server-Timing", "ETag", "Digest"}) {
    EXPECT_TRUE(may_pass(name)) << name;
  }
}

TEST(Trailers, OfRequestsDoNotSayWhoTheClientIs) {
  auto may_pass = [](std::string_view name) {
    return request_trailer_may_pass({.name = name, .value = "x", .id = header_id(name)});
  };
  for (const char* name : {"X-Client-Cert-Subject", "x_client_cert_san", "X-Real-IP", "x_real_ip", "Forwarded",
                           "X_Forwarded_For", "x-forwarded_proto", "X-Request-Id", "Content-Length"}) {
    EXPECT_FALSE(may_pass(name)) << name;
  }
  for (const char* name : {"grpc-status", "X-Checksum", "x_under_score", "X", "X-Forwards", "X-Client-Certificate"}) {
    EXPECT_TRUE(may_pass(name)) << name;
  }
}

TEST(Proxies, AreKnownByTheFieldsTheySpeakIn) {
  for (const char* name : {"X-Forwarded-Port", "X-Forwarded-Prefix", "X-Forwarded-Server", "X-Forwarded-Scheme",
                           "X-Forwarded-Ssl", "x_forwarded_user", "X-Forwarded", "X-Real-IP", "x_real_ip", "Forwarded",
                           "X-Original-URL", "X-Rewrite-URL", "Front-End-Https", "X-Url-Scheme", "X-Client-IP"}) {
    EXPECT_TRUE(speaks_for_proxies(name)) << name;
  }
  for (const char* name : {"", "X", "X-Forward", "X-Forwardedness", "X-Real-IPs", "X-Tenant", "From", "Front-End",
                           "Forwarded2", "X-Requested-With"}) {
    EXPECT_FALSE(speaks_for_proxies(name)) << name;
  }
}

TEST(OwnFields, AreKnownInEverySpelling) {
  for (const char* name : {"x-client-cert-subject", "X_CLIENT_CERT_x", "x_forwarded-host", "x_request_id"}) {
    EXPECT_TRUE(is_said_by_proxies(name)) << name;
  }
  for (const char* name : {"", "x", "x-client-cert", "x-forwarded-port", "y-forwarded-for", "x-forwarded-for2"}) {
    EXPECT_FALSE(is_said_by_proxies(name)) << name;
  }
}

TEST(Via, NamesTheVersionReceived) {
  char buffer[100];
  HeadWriter writer(buffer);
  write_via(writer, Version::http_1_1, "weir");
  write_via(writer, Version::http_1_0, "weir");
  write_via(writer, Version::http_2, "weir");
  EXPECT_EQ(writer.text(), "Via: 1.1 weir\r\nVia: 1.0 weir\r\nVia: 2 weir\r\n");
}

TEST(MaxForwards, IsCountedDownForTraceAndOptions) {
  using Action = MaxForwards::Action;
  auto of = [](std::string_view method, std::string_view value) {
    return max_forwards(parse_with_fields("Max-Forwards: " + std::string(value) + "\r\n", method).head);
  };
  EXPECT_EQ(of("OPTIONS", "0").action, Action::respond);
  EXPECT_EQ(of("TRACE", "00").action, Action::respond);
  EXPECT_EQ(of("TRACE", "5").action, Action::forward);
  EXPECT_EQ(of("TRACE", "5").value, 4u);
  EXPECT_EQ(of("GET", "0").action, Action::none);
  EXPECT_EQ(of("TRACE", "x").action, Action::none);
  EXPECT_EQ(max_forwards(parse_with_fields("", "TRACE").head).action, Action::none);
}

constexpr std::string_view kText =
    "GET / HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nConnection: x-b\r\nX-B: 2\r\nX-C:3\r\nX-D:  4 \r\nX-E: \r\nX-F:\t6\r\nX-G: "
    "7\r\n\r\n";

std::string written(const HeaderMap& headers, std::string_view source, std::size_t size = 1000) {
  std::vector<char> buffer(size);
  HeadWriter writer(buffer);
  const HopByHop hop(headers);
  write_fields(writer, headers, source, [&hop](const HeaderField& field) { return !hop.ends_here(field); });
  return writer.overflowed() ? "overflow" : std::string(writer.text());
}

TEST(WriteFields, WritesTheSameWithAndWithoutTheSource) {
  RequestHead head;
  ASSERT_EQ(parse_request_head(kText, {}, head).state, Parsed::State::complete);
  EXPECT_EQ(written(head.headers, {}), "Host: a\r\nX-A: 1\r\nX-C: 3\r\nX-D: 4\r\nX-E: \r\nX-F: 6\r\nX-G: 7\r\n");
  EXPECT_EQ(written(head.headers, kText), "Host: a\r\nX-A: 1\r\nX-C: 3\r\nX-D: 4\r\nX-E: \r\nX-F:\t6\r\nX-G: 7\r\n");
}

TEST(WriteFields, TakesFieldsFromElsewhereInTheirPlace) {
  RequestHead head;
  ASSERT_EQ(parse_request_head(kText, {}, head).state, Parsed::State::complete);
  HeaderMap headers;
  headers.add(head.headers[0]);
  headers.add("X-New", "n");
  headers.add(head.headers[1].name, "changed");
  headers.add(head.headers[7]);
  EXPECT_EQ(written(headers, kText), "Host: a\r\nX-New: n\r\nX-A: changed\r\nX-F:\t6\r\n");
}

TEST(WriteFields, SaysWhenTheyDoNotFit) {
  RequestHead head;
  ASSERT_EQ(parse_request_head(kText, {}, head).state, Parsed::State::complete);
  const std::size_t size = written(head.headers, kText).size();
  EXPECT_NE(written(head.headers, kText, size), "overflow");
  EXPECT_EQ(written(head.headers, kText, size - 1), "overflow");
  EXPECT_EQ(written(head.headers, {}, size - 1), "overflow");
}

}  // namespace
}  // namespace weir::http
