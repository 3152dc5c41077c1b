#include <string>

#include "gtest/gtest.h"

#include "persist/method.h"

namespace weir::persist {
namespace {

pool::BackendSet twenty_backends() {
  pool::BackendSet set;
  for (int i = 0; i < 20; ++i) {
    std::string id = "b" + std::to_string(i);
    set.push_back({.backend = std::make_shared<pool::Backend>("site", id, "127.0.0.1", 80), .addresses = nullptr});
  }
  return set;
}

class QueryMethod : public testing::Test {
 protected:
  std::uint32_t find(std::string_view query, std::uint64_t address_hash = 1) {
    http::RequestHead request;
    request.query = query;
    return method_->find({.address_hash = address_hash, .request = &request}).index;
  }
  pool::BackendSet set_ = twenty_backends();
  StickyKey key_;
  std::unique_ptr<Method> method_ = make_method({.name = "query", .options = {{"name", std::string("session")}}},
                                                {.pool = "site", .backends = set_, .key = key_});
};

TEST_F(QueryMethod, GoesByTheParameterAndNothingElse) {
  std::uint32_t home = find("session=abc");
  EXPECT_EQ(find("page=2&session=abc", 99), home);
  int elsewhere = 0;
  for (int i = 0; i < 20; ++i) elsewhere += find("session=" + std::to_string(i)) != home;
  EXPECT_GT(elsewhere, 10);
}

TEST_F(QueryMethod, GoesByTheAddressWithoutTheParameter) {
  for (const char* query : {"", "page=2", "session", "session="}) {
    EXPECT_EQ(find(query, 7), find("", 7)) << query;
  }
  int elsewhere = 0;
  for (std::uint64_t address = 0; address < 20; ++address) elsewhere += find("", address * 7919) != find("", 7);
  EXPECT_GT(elsewhere, 10);
}

}  // namespace
}  // namespace weir::persist
