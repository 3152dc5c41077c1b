#include "exchange/answer.h"

#include <string>

#include "gtest/gtest.h"

#include "tests/unit/route/support.h"

namespace weir::exchange {
namespace {

std::string fields_of(const Answer& answer) {
  std::string text;
  for (const http::HeaderField& field : answer.fields) text.append(field.name).append("=").append(field.value) += '\n';
  return text;
}

class AnswerTest : public testing::Test {
 protected:
  void use(config::Route route) {
    config_.routes = {std::move(route)};
    listener_.config = std::make_shared<config::Listener>(config_);
    listener_.routes = route::Table::compile(config_);
    facts_.listener = &listener_;
    facts_.route = 0;
    facts_.route_config = &listener_.config->routes[0];
  }
  Answer of_route(std::string_view target) {
    route::Request request("GET", target);
    return route_answer(facts_, request, values_, arena_);
  }

  config::Listener config_;
  worker::ListenerSnapshot listener_;
  Facts facts_;
  route::SetValues values_;
  http::RequestHead request_;
  base::Arena arena_;
};

TEST_F(AnswerTest, ARefusalSaysWhyInItsBodyAndInTheLog) {
  Answer answer = status_answer({421, "Not here."}, request_, "id-1", arena_);
  EXPECT_EQ(answer.status, 421);
  EXPECT_EQ(answer.termination, worker::Termination::refused);
  EXPECT_EQ(answer.detail, "Not here.");
  EXPECT_NE(answer.body.find("Not here.\nRequest id: id-1"), std::string_view::npos) << answer.body;
  EXPECT_EQ(fields_of(answer), "content-type=text/plain; charset=utf-8\ncache-control=no-store\n");
}

TEST_F(AnswerTest, AMethodThatIsNotOfferedNamesThoseThatAre) {
  Answer answer = status_answer({405, "TRACE is not offered."}, request_, "id-1", arena_);
  EXPECT_TRUE(fields_of(answer).starts_with("allow=GET, HEAD, "));
}

TEST_F(AnswerTest, AnAnswerBelow400IsNoError) {
  Answer answer = status_answer({200, "Max-Forwards is 0."}, request_, "id-1", arena_);
  EXPECT_EQ(answer.termination, worker::Termination::ok);
  EXPECT_EQ(answer.detail, "");
}

TEST_F(AnswerTest, EveryStatusEndsInOneWord) {
  EXPECT_EQ(termination_of_status(400), worker::Termination::client_protocol);
  EXPECT_EQ(termination_of_status(404), worker::Termination::no_route);
  EXPECT_EQ(termination_of_status(408), worker::Termination::client_timeout);
  EXPECT_EQ(termination_of_status(431), worker::Termination::client_too_large);
  EXPECT_EQ(termination_of_status(499), worker::Termination::client_abort);
  EXPECT_EQ(termination_of_status(503), worker::Termination::no_backend);
  EXPECT_EQ(termination_of_status(302), worker::Termination::ok);
}

TEST_F(AnswerTest, ARedirectHasItsLocationAndNoBody) {
  config::Route route;
  route.redirect = config::Redirect{.to = "/new", .status = 301};
  use(route);
  Answer answer = of_route("/old");
  EXPECT_EQ(answer.status, 301);
  EXPECT_EQ(fields_of(answer), "location=/new\n");
  EXPECT_EQ(answer.body, "");
  EXPECT_EQ(answer.message, "");
}

TEST_F(AnswerTest, AFixedResponseIsGivenAsItIs) {
  config::Route route;
  route.respond = config::FixedResponse{.status = 503, .body = "<p>later", .content_type = "text/html"};
  use(route);
  Answer answer = of_route("/");
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.termination, worker::Termination::ok);
  EXPECT_EQ(fields_of(answer), "content-type=text/html\n");
  EXPECT_EQ(answer.body, "<p>later");
}

TEST_F(AnswerTest, WithoutARouteThereIs404) {
  Answer answer = of_route("/");
  EXPECT_EQ(answer.status, 404);
  EXPECT_EQ(answer.termination, worker::Termination::no_route);
}

TEST_F(AnswerTest, ACallIsToldByTrailersAlone) {
  Answer refused = status_answer({404, "No route takes this request."}, request_, "id-1", arena_);
  Answer answer = call_answer(refused, 12, false, arena_);
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.termination, worker::Termination::no_route);
  EXPECT_EQ(answer.body, "");
  EXPECT_EQ(fields_of(answer),
            "content-type=application/grpc\ngrpc-status=12\n"
            "grpc-message=Not Found: No route takes this request.\n");
}

TEST_F(AnswerTest, ACallWhoseDeadlineHasPassedIsToldSoInGrpcsOwnWords) {
  Answer answer = call_answer(status_answer({504, ""}, request_, "id-1", arena_), 4, true, arena_);
  EXPECT_TRUE(fields_of(answer).ends_with("grpc-message=Deadline Exceeded\n"));
}

}  // namespace
}  // namespace weir::exchange
