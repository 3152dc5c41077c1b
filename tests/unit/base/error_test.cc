#include "base/error.h"

#include <cerrno>
#include <set>
#include <string>

#include "gtest/gtest.h"

namespace weir::base {
namespace {

TEST(CodeOfErrno, TellsApartWhatDecidesTheNextStep) {
  EXPECT_EQ(code_of_errno(ECONNREFUSED), ErrorCode::refused);
  EXPECT_EQ(code_of_errno(ECONNRESET), ErrorCode::reset);
  EXPECT_EQ(code_of_errno(EPIPE), ErrorCode::reset);
  EXPECT_EQ(code_of_errno(ETIMEDOUT), ErrorCode::timeout);
  EXPECT_EQ(code_of_errno(EHOSTUNREACH), ErrorCode::unreachable);
  EXPECT_EQ(code_of_errno(ENETUNREACH), ErrorCode::unreachable);
  EXPECT_EQ(code_of_errno(EMFILE), ErrorCode::exhausted);
  EXPECT_EQ(code_of_errno(ENFILE), ErrorCode::exhausted);
  EXPECT_EQ(code_of_errno(ENOBUFS), ErrorCode::exhausted);
  EXPECT_EQ(code_of_errno(EADDRNOTAVAIL), ErrorCode::exhausted);
  EXPECT_EQ(code_of_errno(ECANCELED), ErrorCode::cancelled);
  EXPECT_EQ(code_of_errno(ENOENT), ErrorCode::not_found);
  EXPECT_EQ(code_of_errno(EIO), ErrorCode::io);
  EXPECT_EQ(code_of_errno(0), ErrorCode::io);
  EXPECT_EQ(code_of_errno(-1), ErrorCode::io);
}

TEST(Name, IsDifferentForEveryCodeAndSide) {
  std::set<std::string> names;
  for (int code = 0; code <= static_cast<int>(ErrorCode::io); ++code) names.insert(name(static_cast<ErrorCode>(code)));
  EXPECT_EQ(names.size(), static_cast<std::size_t>(ErrorCode::io) + 1);
  EXPECT_FALSE(names.contains("?"));
  EXPECT_STREQ(name(Side::client), "client");
  EXPECT_STREQ(name(Side::backend), "backend");
  EXPECT_STREQ(name(Side::ours), "ours");
}

TEST(Describe, SaysWhatWhoseAndWhatTheSystemSaid) {
  Error error{.code = ErrorCode::refused, .os_error = ECONNREFUSED, .what = "connect"};
  EXPECT_EQ(describe(error.on(Side::backend)), "connect: refused (backend): Connection refused");
  EXPECT_EQ(describe({.code = ErrorCode::protocol, .side = Side::client, .what = "bare CR"}),
            "bare CR: protocol (client)");
}

TEST(Error, OnAnotherSideKeepsTheRest) {
  Error error{.code = ErrorCode::timeout, .retry_helps = true, .os_error = 5, .what = "read"};
  Error moved = error.on(Side::client);
  EXPECT_EQ(moved.side, Side::client);
  EXPECT_EQ(error.side, Side::ours);
  EXPECT_TRUE(moved.retry_helps);
  EXPECT_EQ(moved.os_error, 5);
}

TEST(Fail, MakesAResultWithoutValue) {
  Result<int> result = fail(ErrorCode::too_large, "line too long");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::too_large);
  Result<int> from_system = fail_errno(EMFILE, "accept");
  EXPECT_EQ(from_system.error().code, ErrorCode::exhausted);
  EXPECT_EQ(from_system.error().os_error, EMFILE);
}

TEST(Cause, SaysWhatFailedAndWhatTheSystemSaid) {
  EXPECT_EQ(cause({.code = ErrorCode::refused, .side = Side::backend, .os_error = ECONNREFUSED, .what = "connect"}),
            "connect: Connection refused");
  EXPECT_EQ(cause({.code = ErrorCode::timeout, .what = "no response header within timeouts.response"}),
            "no response header within timeouts.response");
}

}  // namespace
}  // namespace weir::base
