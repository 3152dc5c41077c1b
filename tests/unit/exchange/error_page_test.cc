#include "exchange/error_page.h"

#include <gtest/gtest.h>
#include <set>
#include <string>

#include "worker/termination.h"

namespace weir::exchange {
namespace {

using base::Error;
using base::ErrorCode;
using base::Side;

constexpr ErrorCode kCodes[] = {
    ErrorCode::closed,     ErrorCode::reset,     ErrorCode::refused,   ErrorCode::unreachable, ErrorCode::timeout,
    ErrorCode::cancelled,  ErrorCode::protocol,  ErrorCode::too_large, ErrorCode::not_found,   ErrorCode::no_backend,
    ErrorCode::queue_full, ErrorCode::exhausted, ErrorCode::io};

std::uint16_t status(ErrorCode code, Side side) { return status_of({.code = code, .side = side}); }
std::string_view word(ErrorCode code, Side side) { return name(worker::termination({.code = code, .side = side})); }

class Page : public testing::Test {
 protected:
  ErrorPage page(const Error& error, std::string_view accept = "") {
    request_.clear();
    if (!accept.empty()) request_.headers.add("Accept", accept);
    return error_page(error, &request_, "id-1", arena_);
  }
  http::RequestHead request_;
  base::Arena arena_;
};

TEST(StatusOfError, OfTheClientIsItsOwn4xx) {
  EXPECT_EQ(status(ErrorCode::protocol, Side::client), 400);
  EXPECT_EQ(status(ErrorCode::timeout, Side::client), 408);
  EXPECT_EQ(status(ErrorCode::too_large, Side::client), 413);
  EXPECT_EQ(status(ErrorCode::not_found, Side::client), 501);
  EXPECT_EQ(status(ErrorCode::closed, Side::client), 499);
  EXPECT_EQ(status(ErrorCode::reset, Side::client), 499);
}

TEST(StatusOfError, OfTheBackendIsABadGateway) {
  for (ErrorCode code : {ErrorCode::refused, ErrorCode::reset, ErrorCode::closed, ErrorCode::protocol,
                         ErrorCode::unreachable, ErrorCode::not_found, ErrorCode::too_large, ErrorCode::io}) {
    EXPECT_EQ(status(code, Side::backend), 502) << name(code);
  }
  EXPECT_EQ(status(ErrorCode::timeout, Side::backend), 504);
  EXPECT_EQ(status(ErrorCode::exhausted, Side::backend), 503);
}

TEST(StatusOfError, OfOursIs500OrAskToComeBack) {
  EXPECT_EQ(status(ErrorCode::io, Side::ours), 500);
  EXPECT_EQ(status(ErrorCode::protocol, Side::ours), 500);
  EXPECT_EQ(status(ErrorCode::exhausted, Side::ours), 503);
  EXPECT_EQ(status(ErrorCode::timeout, Side::ours), 503);
}

TEST(StatusOfError, OfMissingCapacityIs503WhosesoeverSide) {
  for (Side side : {Side::client, Side::backend, Side::ours}) {
    EXPECT_EQ(status(ErrorCode::no_backend, side), 503);
    EXPECT_EQ(status(ErrorCode::queue_full, side), 503);
    EXPECT_EQ(status(ErrorCode::cancelled, side), side == Side::backend ? 502 : kClientClosedRequest);
  }
}

TEST(Termination, IsAWordOfTheListForEveryError) {
  const std::set<std::string_view> known = {
      "no_backend",        "queue_full",          "client_abort",    "client_timeout",  "client_protocol",
      "client_too_large",  "client_unsupported",  "backend_closed",  "backend_drained", "backend_exhausted",
      "backend_failed",    "backend_protocol",    "backend_refused", "backend_reset",   "backend_timeout",
      "backend_too_large", "backend_unreachable", "drained",         "exhausted",       "queue_timeout",
      "internal"};
  std::set<std::string_view> seen;
  for (Side side : {Side::client, Side::backend, Side::ours}) {
    for (ErrorCode code : kCodes) seen.insert(word(code, side));
  }
  EXPECT_EQ(seen, known);
}

TEST(Termination, SaysWhoEndedItAndHow) {
  EXPECT_EQ(word(ErrorCode::reset, Side::client), "client_abort");
  EXPECT_EQ(word(ErrorCode::closed, Side::client), "client_abort");
  EXPECT_EQ(word(ErrorCode::timeout, Side::client), "client_timeout");
  EXPECT_EQ(word(ErrorCode::timeout, Side::backend), "backend_timeout");
  EXPECT_EQ(word(ErrorCode::refused, Side::backend), "backend_refused");
  EXPECT_EQ(word(ErrorCode::not_found, Side::backend), "backend_unreachable");
  EXPECT_EQ(word(ErrorCode::io, Side::ours), "internal");
  EXPECT_EQ(word(ErrorCode::cancelled, Side::client), "client_abort");
  EXPECT_EQ(word(ErrorCode::cancelled, Side::backend), "backend_drained");
  EXPECT_EQ(word(ErrorCode::cancelled, Side::ours), "drained");
}

TEST_F(Page, IsPlainTextWithoutAccept) {
  const ErrorPage made = page({.code = ErrorCode::refused, .side = Side::backend});
  EXPECT_EQ(made.status, 502);
  EXPECT_EQ(made.content_type, "text/plain; charset=utf-8");
  EXPECT_EQ(made.body, "502 Bad Gateway\nThe backend gave no usable answer.\nRequest id: id-1\n");
  EXPECT_TRUE(made.retry_after.empty());
}

TEST_F(Page, IsJsonWhenAcceptPrefersIt) {
  const ErrorPage made = page({.code = ErrorCode::no_backend}, "application/json");
  EXPECT_EQ(made.content_type, "application/json");
  EXPECT_EQ(made.body,
            "{\"status\":503,\"error\":\"Service Unavailable\",\"message\":\"No backend can take the request now.\","
            "\"request_id\":\"id-1\"}\n");
}

TEST_F(Page, IsPlainTextForBrowsers) {
  const ErrorPage made = page({.code = ErrorCode::io}, "text/html,application/xhtml+xml,*/*;q=0.8");
  EXPECT_EQ(made.content_type, "text/plain; charset=utf-8");
}

TEST_F(Page, IsMadeWithoutARequestToo) {
  EXPECT_EQ(error_page(400, "bare CR", nullptr, "id-2", arena_).body, "400 Bad Request\nbare CR\nRequest id: id-2\n");
}

TEST_F(Page, NamesTheRuleThatTheClientBroke) {
  const Error error{.code = ErrorCode::protocol, .side = Side::client, .what = "bare CR (RFC 9112 2.2)"};
  EXPECT_NE(page(error).body.find("bare CR (RFC 9112 2.2)"), std::string_view::npos);
}

TEST_F(Page, SaysNothingOfWhatBackendsAndWeDid) {
  for (Side side : {Side::backend, Side::ours}) {
    for (ErrorCode code : kCodes) {
      const ErrorPage made = page({.code = code, .side = side, .os_error = 111, .what = "connect to 10.1.2.3:80"});
      EXPECT_EQ(made.body.find("10.1.2.3"), std::string_view::npos);
      EXPECT_EQ(made.body.find("connect"), std::string_view::npos);
    }
  }
}

TEST_F(Page, EscapesWhatItQuotesInJson) {
  request_.headers.add("Accept", "application/json");
  const ErrorPage made = error_page(400, "a \"quoted\"\\\n", &request_, "i\"d", arena_);
  EXPECT_EQ(made.body,
            "{\"status\":400,\"error\":\"Bad Request\",\"message\":\"a "
            "\\\"quoted\\\"\\\\\\u000a\",\"request_id\":\"i\\\"d\"}\n");
}

TEST_F(Page, IsWholeHoweverLongItsParts) {
  const std::string message(3000, 'm');
  const std::string id(128, 'i');
  const ErrorPage plain = error_page(431, message, nullptr, id, arena_);
  EXPECT_EQ(plain.body, "431 Request Header Fields Too Large\n" + message + "\nRequest id: " + id + "\n");
  request_.headers.add("Accept", "application/json");
  EXPECT_TRUE(error_page(431, message, &request_, id, arena_).body.ends_with(id + "\"}\n"));
}

TEST_F(Page, HasAMessageForEveryStatus) {
  for (std::uint16_t code : {400, 404, 405, 408, 413, 414, 418, 421, 431, 499, 500, 501, 502, 503, 504, 505}) {
    const ErrorPage made = error_page(code, "", nullptr, "id", arena_);
    EXPECT_EQ(made.status, code);
    EXPECT_TRUE(made.body.starts_with(std::to_string(code) + " "));
    EXPECT_GE(std::count(made.body.begin(), made.body.end(), '\n'), 3);
    EXPECT_EQ(made.body.find("\n\n"), std::string_view::npos);
  }
}

TEST_F(Page, IsNeverStoredAnd503SaysWhenToComeBack) {
  http::HeaderMap fields;
  page({.code = ErrorCode::queue_full}).add_fields([&](std::string_view name, std::string_view value) {
    fields.add(name, value);
  });
  EXPECT_EQ(fields.find("cache-control")->value, "no-store");
  EXPECT_EQ(fields.find("content-type")->value, "text/plain; charset=utf-8");
  ASSERT_NE(fields.find("retry-after"), nullptr);
  EXPECT_EQ(fields.find("retry-after")->value, "5");
  fields.clear();
  page({.code = ErrorCode::timeout, .side = Side::backend})
      .add_fields([&](std::string_view name, std::string_view value) { fields.add(name, value); });
  EXPECT_EQ(fields.find("retry-after"), nullptr);
  EXPECT_EQ(fields.size(), 2u);
}

}  // namespace
}  // namespace weir::exchange
