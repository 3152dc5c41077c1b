#include "pool/last_error.h"

#include "gtest/gtest.h"

#include "pool/backend.h"

namespace weir::pool {
namespace {

TEST(LastError, IsNothingBeforeTheFirstAndThenTheNewest) {
  Backend backend("site", "web-1", "10.0.1.10", 8080);
  EXPECT_FALSE(backend.last_error.get());
  backend.count_failure({.code = base::ErrorCode::refused, .what = "connect"}, 1000);
  backend.count_failure({.code = base::ErrorCode::timeout, .what = "no response header within timeouts.response"},
                        2000);
  auto seen = backend.last_error.get();
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->unix_ms, 2000);
  EXPECT_EQ(base::cause(seen->error), "no response header within timeouts.response");
  EXPECT_EQ(backend.failed_requests.load(), 2u);
}

}  // namespace
}  // namespace weir::pool
