// find() is on the path of every request: it must not touch the heap.
#include <cstdlib>
#include <gtest/gtest.h>
#include <new>

#include "tests/unit/route/support.h"

namespace {
int allocations = 0;
}

// Sanitizers bring operators of their own; there the test only runs the code.
#if !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)
void* operator new(std::size_t bytes) {
  ++allocations;
  void* block = std::malloc(bytes == 0 ? 1 : bytes);
  if (block == nullptr) std::abort();
  return block;
}
void operator delete(void* block) noexcept { std::free(block); }
void operator delete(void* block, std::size_t) noexcept { std::free(block); }
#endif

namespace weir::route {
namespace {

TEST(RouteTable, FindsWithoutTouchingTheHeap) {
  config::Match busy = prefix_match("/v1");
  busy.host = {"*.example"};
  busy.header = {{"x-a", config::MatchKind::regex, "[a-z]+"}};
  busy.query = {{"q", config::MatchKind::prefix, "a b"}};
  busy.method = {"GET"};
  Routes routes({path_match("/x"), regex_match("/v1/[0-9]+"), busy, host_match({"b.example"})});
  const Request request("GET", "/%761/../v1/x?q=a%20bc", "A.Example:80", "X-A: abc\r\n");
  const Request unmatched("GET", "/nothing", "c.test");
  base::Arena arena;
  // The first round fills the arena and RE2's cache of states.
  for (int round = 0; round < 2; ++round) {
    const int before = allocations;
    EXPECT_EQ(routes.table().find(request, {}, arena), 2u);
    EXPECT_EQ(routes.table().find(unmatched, {}, arena), kNoRoute);
    if (round == 1) EXPECT_EQ(allocations, before);
    arena.reset();
  }
}

}  // namespace
}  // namespace weir::route
