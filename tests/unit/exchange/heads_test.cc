#include "exchange/heads.h"

#include <array>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "http/h1_codec.h"
#include "tests/unit/route/support.h"

namespace weir::exchange {
namespace {

// One exchange's values, made without a socket.
class HeadsTest : public testing::Test {
 protected:
  HeadsTest() {
    config_.name = "web";
    facts_.request_id = "id-1";
    facts_.forwarded = {.client = base::IpAddress::parse("192.0.2.7").value(),
                        .forwarded_for = "192.0.2.7",
                        .forwarded_proto = "http",
                        .forwarded_host = "a.example",
                        .forwarded_port = {}};
  }

  // `lines` are whole field lines, each with its CRLF.
  void receive(std::string_view start_line, std::string_view lines = "Host: a.example\r\n") {
    received_ = std::string(start_line) + "\r\n" + std::string(lines) + "\r\n";
    http::Parsed parsed = http::parse_request_head(received_, {}, request_);
    ASSERT_EQ(parsed.state, http::Parsed::State::complete) << parsed.what;
    ASSERT_EQ(http::canonicalize(request_, {}, arena_), nullptr);
  }
  void respond(std::string_view text) {
    response_bytes_ = text;
    http::Parsed parsed = http::parse_response_head(response_bytes_, {}, "GET", response_);
    ASSERT_EQ(parsed.state, http::Parsed::State::complete) << parsed.what;
  }
  // All requests take this route.
  void use(config::Route route) {
    config_.routes = {std::move(route)};
    facts_.route = 0;
  }

  std::string request_head(const RequestHop& hop = {}) {
    return written([&](http::HeadWriter& writer) { return write_request_head(writer, context(), hop); });
  }
  std::string response_head(ResponseHop hop) {
    return written([&](http::HeadWriter& writer) { return write_response_head(writer, context(), hop); });
  }
  std::string answer_head(const Answer& answer) {
    return written([&](http::HeadWriter& writer) { return write_answer_head(writer, context(), answer); });
  }

  HeadContext context() const { return {facts_, request_, values_, const_cast<base::Arena&>(arena_), &edit_, &edit_}; }
  template <typename Write>
  std::string written(Write write) {
    listener_.config = std::make_shared<config::Listener>(config_);
    listener_.routes = route::Table::compile(config_);
    facts_.listener = &listener_;
    std::array<char, 4096> out;
    http::HeadWriter writer(out);
    return write(writer) ? std::string(writer.text()) : "none";
  }

  config::Listener config_;
  worker::ListenerSnapshot listener_;
  Facts facts_;
  route::SetValues values_;
  base::Arena arena_;
  filter::HeadEdit edit_{arena_};
  std::string received_;
  std::string response_bytes_;
  http::RequestHead request_;
  http::ResponseHead response_;
};

TEST_F(HeadsTest, ARequestSaysWhoItsClientIs) {
  receive("GET /x?y=1 HTTP/1.1", "Host: a.example\r\nAccept: */*\r\n");
  EXPECT_EQ(request_head(),
            "GET /x?y=1 HTTP/1.1\r\nhost: a.example\r\nAccept: */*\r\nx-forwarded-for: 192.0.2.7\r\n"
            "x-forwarded-proto: http\r\nx-forwarded-host: a.example\r\nx-request-id: id-1\r\n");
}

TEST_F(HeadsTest, FieldsOfTheHopStayBehind) {
  receive("GET / HTTP/1.1",
          "Host: a.example\r\nConnection: x-hop\r\nX-Hop: 1\r\nTE: trailers\r\nKeep-Alive: 1\r\nX-End: 2\r\n");
  std::string head = request_head();
  EXPECT_EQ(head.find("X-Hop"), std::string::npos) << head;
  EXPECT_EQ(head.find("TE:"), std::string::npos) << head;
  EXPECT_EQ(head.find("Keep-Alive"), std::string::npos) << head;
  EXPECT_NE(head.find("X-End: 2"), std::string::npos) << head;
}

TEST_F(HeadsTest, AnUntrustedPeerCannotSpeakForProxies) {
  receive("GET / HTTP/1.1",
          "Host: a.example\r\nX-Forwarded-For: 1.2.3.4\r\nForwarded: for=x\r\nX-Real-IP: 1.2.3.4\r\n"
          "X-Request-Id: theirs\r\n");
  std::string head = request_head();
  EXPECT_EQ(head.find("1.2.3.4"), std::string::npos) << head;
  EXPECT_EQ(head.find("for=x"), std::string::npos) << head;
  EXPECT_EQ(head.find("theirs"), std::string::npos) << head;
  facts_.peer_trusted = true;
  EXPECT_NE(request_head().find("Forwarded: for=x"), std::string::npos);
}

TEST_F(HeadsTest, TheListenerMayAskForAddressAndPort) {
  config_.forward = {.real_ip = true, .port = true};
  receive("GET / HTTP/1.1");
  std::string head = request_head({.listener_port = 8080});
  EXPECT_NE(head.find("x-real-ip: 192.0.2.7\r\n"), std::string::npos) << head;
  EXPECT_NE(head.find("x-forwarded-port: 8080\r\n"), std::string::npos) << head;
}

TEST_F(HeadsTest, ACallIsToldWhatIsLeftOfItsDeadline) {
  receive("POST /x HTTP/1.1", "Host: a.example\r\ngrpc-timeout: 1S\r\nContent-Length: 0\r\n");
  facts_.call_deadline = base::now();
  std::string head = request_head({.call_timeout = "900m"});
  EXPECT_NE(head.find("grpc-timeout: 900m\r\n"), std::string::npos) << head;
  EXPECT_EQ(head.find("1S"), std::string::npos) << head;
}

TEST_F(HeadsTest, TheRouteChangesFieldsAndTarget) {
  config::Route route;
  route.rewrite.host = "b.example";
  route.request_headers.set = {{"x-request-id", "fixed"}};
  route.request_headers.remove = {"accept"};
  use(route);
  receive("GET /x HTTP/1.1", "Host: a.example\r\nAccept: */*\r\n");
  std::string head = request_head();
  EXPECT_NE(head.find("host: b.example\r\n"), std::string::npos) << head;
  EXPECT_EQ(head.find("Accept"), std::string::npos) << head;
  EXPECT_EQ(head.find("id-1"), std::string::npos) << head;
  EXPECT_NE(head.find("x-request-id: fixed\r\n"), std::string::npos) << head;
}

TEST_F(HeadsTest, AResponseKeepsItsFields) {
  receive("GET / HTTP/1.1");
  respond("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(response_head({.response = response_, .received_text = response_bytes_}),
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n");
}

TEST_F(HeadsTest, AResponseGetsDateCookieAndWhatFiltersSay) {
  edit_.set("strict-transport-security", "max-age=5");
  receive("GET / HTTP/1.1");
  respond("HTTP/1.1 200 OK\r\nStrict-Transport-Security: max-age=1\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(response_head({.response = response_, .date = "today", .sticky_cookie = "S=1"}),
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\ndate: today\r\nset-cookie: S=1\r\n"
            "strict-transport-security: max-age=5\r\n");
}

TEST_F(HeadsTest, ABodyWhoseLengthFiltersChangeGoesOnWithoutTheOldLength) {
  receive("POST / HTTP/1.1\r\nContent-Length: 7");
  respond("HTTP/1.1 200 OK\r\nContent-Length: 9\r\nx-a: 1\r\n\r\n");
  EXPECT_EQ(response_head({.response = response_, .drops_length = true}), "HTTP/1.1 200 OK\r\nx-a: 1\r\n");
  EXPECT_THAT(request_head({.drops_length = true}), testing::Not(testing::HasSubstr("ength")));
}

TEST_F(HeadsTest, AnInterimResponseHasNoFieldsOfWeirsOwn) {
  receive("GET / HTTP/1.1");
  respond("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
  EXPECT_EQ(response_head({.response = response_, .date = "today", .sticky_cookie = "S=1"}),
            "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n");
}

TEST_F(HeadsTest, AnAnswerSaysItsLength) {
  receive("GET / HTTP/1.1");
  Answer answer{.status = 200, .body = "hello"};
  answer.fields.add("content-type", "text/plain", arena_);
  EXPECT_EQ(answer_head(answer), "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 5\r\n");
  answer.status = 204;
  EXPECT_EQ(answer_head(answer), "HTTP/1.1 204 No Content\r\ncontent-type: text/plain\r\n");
}

}  // namespace
}  // namespace weir::exchange
