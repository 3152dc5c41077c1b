#include "relay/udp_flow_table.h"

#include <map>
#include <memory>
#include <random>

#include "gtest/gtest.h"

#include "relay/udp_relay.h"

namespace weir::relay {
namespace {

UdpFlowKey key_of(std::uint16_t port) {
  UdpFlowKey key{};
  key.client = net::PeerAddress::of({.ip = *base::IpAddress::parse("192.0.2.1"), .port = port});
  return key;
}

// Flows that belong to no relay: only their keys matter.
class UdpFlowTableTest : public testing::Test {
 protected:
  std::unique_ptr<UdpFlow> flow(std::uint16_t port, std::uint32_t hash) {
    return std::make_unique<UdpFlow>(*reinterpret_cast<UdpRelay*>(nobody_), *reinterpret_cast<UdpEntrance*>(nobody_),
                                     key_of(port), hash, worker_);
  }
  alignas(64) std::byte nobody_[1]{};
  worker::Services services_;
  worker::Worker worker_{0, services_};
  UdpFlowTable table_;
};

TEST_F(UdpFlowTableTest, FindsByTheWholeKey) {
  auto one = flow(1, 7);
  auto two = flow(2, 7);
  EXPECT_EQ(table_.find(7, key_of(1)), nullptr);
  table_.insert(*one);
  table_.insert(*two);
  EXPECT_EQ(table_.find(7, key_of(1)), one.get());
  EXPECT_EQ(table_.find(7, key_of(2)), two.get());
  EXPECT_EQ(table_.find(7, key_of(3)), nullptr);
  UdpFlowKey elsewhere = key_of(1);
  elsewhere.local.bytes[0] = 127;
  EXPECT_EQ(table_.find(7, elsewhere), nullptr);
}

// Few hashes, so that runs collide, wrap around and are broken up in every way.
TEST_F(UdpFlowTableTest, FindsWhatIsThereAfterAnyInsertionsAndRemovals) {
  std::mt19937 random(1);
  std::map<std::uint16_t, std::unique_ptr<UdpFlow>> there;
  auto hash_of = [](std::uint16_t port) { return static_cast<std::uint32_t>(port % 13) * 5 + 0xfffffff0u; };
  for (int step = 0; step < 20'000; ++step) {
    auto port = static_cast<std::uint16_t>(random() % 200);
    auto found = there.find(port);
    if (found == there.end()) {
      auto added = flow(port, hash_of(port));
      table_.insert(*added);
      there.emplace(port, std::move(added));
    } else {
      table_.remove(*found->second);
      there.erase(found);
    }
    ASSERT_EQ(table_.size(), there.size());
    auto other = static_cast<std::uint16_t>(random() % 200);
    auto expected = there.find(other);
    ASSERT_EQ(table_.find(hash_of(other), key_of(other)), expected == there.end() ? nullptr : expected->second.get());
  }
}

}  // namespace
}  // namespace weir::relay
