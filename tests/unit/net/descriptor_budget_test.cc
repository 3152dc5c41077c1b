#include "net/descriptor_budget.h"

#include <fmt/format.h>

#include "gtest/gtest.h"

namespace weir::net {
namespace {

TEST(DescriptorBudget, LeavesRoomForEverythingElseUnderEveryLimit) {
  for (std::size_t limit : {128, 256, 1024, 2000, 65'536, 1'048'576}) {
    for (bool has_udp : {false, true}) {
      DescriptorBudget budget;
      budget.divide({.limit = limit, .fixed = 40, .has_udp = has_udp});
      std::size_t pipes = 0;
      while (budget.take_pipe()) ++pipes;
      std::size_t traffic = budget.max_clients() + budget.max_upstream() + budget.max_flows() + 2 * pipes;
      EXPECT_LE(traffic + 40 + kept_descriptors(limit), limit) << limit;
      EXPECT_GE(budget.max_upstream(), budget.max_clients()) << limit;
      EXPECT_EQ(budget.max_flows() > 0, has_udp);
    }
  }
}

TEST(DescriptorBudget, GivesClientsNearlyHalfOfWhatIsLeft) {
  DescriptorBudget budget;
  budget.divide({.limit = 2000, .fixed = 40});
  EXPECT_EQ(kept_descriptors(2000), 250u);
  EXPECT_GE(budget.max_clients(), (2000u - 40 - 250) * 9 / 20 - 1);
}

TEST(DescriptorBudget, TakesTheNumberOfClientsThatIsWantedWhereItFits) {
  DescriptorBudget budget;
  budget.divide({.limit = 2000, .fixed = 40, .wanted_clients = 100});
  EXPECT_EQ(budget.max_clients(), 100u);
  budget.divide({.limit = 2000, .fixed = 40, .wanted_clients = 5000});
  EXPECT_LT(budget.max_clients(), 1710u);
  EXPECT_GT(budget.max_upstream(), 0u);
}

TEST(DescriptorBudget, ServesSomethingWithTooFewDescriptors) {
  DescriptorBudget budget;
  budget.divide({.limit = 20, .fixed = 40});
  EXPECT_GT(budget.max_clients(), 0u);
  EXPECT_GT(budget.max_upstream(), 0u);
}

TEST(DescriptorBudget, SaysHowItDividesAndWhatRaisesIt) {
  DescriptorBudget budget;
  DescriptorBudget::Needs needs{.limit = 256, .fixed = 40, .wanted_clients = 50};
  budget.divide(needs);
  EXPECT_EQ(budget.summary(),
            fmt::format("descriptors: of 256 open files at most 50 are connections of clients, {} connections to "
                        "backends, 40 kept for the admin API, probes, store and logs; LimitNOFILE= or ulimit -Hn gives "
                        "more, max_connections divides otherwise",
                        budget.max_upstream()));
  needs.has_udp = true;
  budget.divide(needs);
  EXPECT_TRUE(budget.summary().contains("128 flows of UDP, ")) << budget.summary();
}

TEST(DescriptorBudget, CountsPipes) {
  DescriptorBudget budget;
  budget.divide({.limit = 150, .fixed = 40});
  while (budget.take_pipe()) continue;
  EXPECT_FALSE(budget.take_pipe());
  budget.give_back_pipe();
  EXPECT_TRUE(budget.take_pipe());
}

}  // namespace
}  // namespace weir::net
