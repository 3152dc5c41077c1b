#include "worker/retry.h"

#include "gtest/gtest.h"

#include "base/out_of_memory.h"

namespace weir::worker {
namespace {

using base::Error;
using base::ErrorCode;
using base::Side;

constexpr Error kRefused{.code = ErrorCode::refused, .side = Side::backend, .retry_helps = true};
constexpr Error kReset{.code = ErrorCode::reset, .side = Side::backend};
constexpr Error kConnectTimeout{.code = ErrorCode::timeout, .side = Side::backend, .retry_helps = true};
constexpr Error kResponseTimeout{.code = ErrorCode::timeout, .side = Side::backend};

TEST(Retry, AnotherBackendIsTriedWhereTheRequestNeverArrived) {
  EXPECT_EQ(retry_after(kRefused, {}), Retry::another_backend);
  EXPECT_EQ(retry_after(kRefused, {.is_idempotent = false}), Retry::another_backend);
  EXPECT_EQ(retry_after(kConnectTimeout, {.is_idempotent = false}), Retry::another_backend);
}

TEST(Retry, WhatMayHaveArrivedIsTriedAgainOnlyIfItIsIdempotent) {
  EXPECT_EQ(retry_after(kReset, {}), Retry::another_backend);
  EXPECT_EQ(retry_after(kReset, {.is_idempotent = false}), Retry::no);
}

TEST(Retry, WhatCannotBeRepeatedInFullIsNotTriedAgain) {
  EXPECT_EQ(retry_after(kRefused, {.can_repeat = false}), Retry::no);
}

TEST(Retry, TheErrorsOfTheClientAreNobodyElsesChance) {
  EXPECT_EQ(retry_after(kRefused.on(Side::client), {}), Retry::no);
  EXPECT_EQ(retry_after({.code = ErrorCode::cancelled, .retry_helps = true}, {}), Retry::no);
}

TEST(Retry, TimeIsWaitedForOnce) {
  EXPECT_EQ(retry_after(kResponseTimeout, {}), Retry::no);
  EXPECT_EQ(retry_after({.code = ErrorCode::timeout, .retry_helps = true}, {}), Retry::no) << "a wait in a queue";
}

TEST(Retry, ALackOfMemoryIsNoReasonToNeedMore) { EXPECT_EQ(retry_after(base::kOutOfMemory, {}), Retry::no); }

TEST(Retry, AStaleConnectionIsReplacedOnceOnTheSameBackend) {
  Error died = kReset;
  died.retry_helps = true;
  EXPECT_EQ(retry_after(died, {.stale = true}), Retry::same_backend);
  EXPECT_EQ(retry_after(died, {.stale = true, .was_repeated = true}), Retry::another_backend);
  EXPECT_EQ(retry_after(died, {.is_idempotent = false, .stale = true}), Retry::no);
}

}  // namespace
}  // namespace weir::worker
