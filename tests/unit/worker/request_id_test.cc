#include "worker/request_id.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <string>
#include <unordered_set>

namespace weir::worker {
namespace {

class RequestId : public testing::Test {
 protected:
  std::string of(std::initializer_list<std::string_view> received, bool trusted) {
    http::RequestHead request;
    for (std::string_view id : received) request.headers.add("X-Request-ID", id);
    return std::string(request_id(request, trusted, ids_, arena_));
  }
  bool is_made(std::string_view id) {
    return id.size() == kRequestIdBytes && id.find_first_not_of("0123456789abcdef") == std::string_view::npos;
  }
  RequestIds ids_{base::HashKey{1, 2}};
  base::Arena arena_;
};

TEST_F(RequestId, IsMadeWhenThereIsNone) {
  EXPECT_TRUE(is_made(of({}, false)));
  EXPECT_TRUE(is_made(of({}, true)));
}

TEST_F(RequestId, OfATrustedPeerIsKept) {
  EXPECT_EQ(of({"abc-123"}, true), "abc-123");
  EXPECT_EQ(of({"x"}, true), "x");
  EXPECT_EQ(of({std::string(128, 'x')}, true), std::string(128, 'x'));
}

TEST_F(RequestId, OfAnUntrustedPeerIsReplaced) { EXPECT_TRUE(is_made(of({"abc-123"}, false))); }

TEST_F(RequestId, ThatIsNotSaneIsReplaced) {
  for (const std::string& id :
       {std::string(), std::string(129, 'x'), std::string("a b"), std::string("a\tb"), std::string("a\x7f"),
        std::string("\xc3\xa4"), std::string("a\"b"), std::string("a\\b"), std::string("a\0b", 3)}) {
    EXPECT_TRUE(is_made(of({id}, true))) << id;
  }
}

TEST_F(RequestId, ThatIsGivenTwiceIsReplaced) { EXPECT_TRUE(is_made(of({"a", "b"}, true))); }

TEST_F(RequestId, IsNeverTheSameTwice) {
  std::unordered_set<std::string> seen;
  RequestIds other{base::HashKey{1, 3}};
  for (int i = 0; i < 20000; ++i) {
    arena_.reset();
    EXPECT_TRUE(seen.emplace(ids_.make(arena_)).second);
    EXPECT_TRUE(seen.emplace(other.make(arena_)).second);
  }
}

TEST_F(RequestId, OfEqualSeedsIsEqualAndOfRandomSeedsIsNot) {
  RequestIds same{base::HashKey{1, 2}};
  EXPECT_EQ(ids_.make(arena_), same.make(arena_));
  RequestIds first;
  RequestIds second;
  EXPECT_NE(first.make(arena_), second.make(arena_));
}

}  // namespace
}  // namespace weir::worker
