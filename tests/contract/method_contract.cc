// Every stickiness method of methods.def must pass these tests; its traits say which of them concern it.
#include <cstdlib>
#include <new>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

#include "base/hash.h"
#include "persist/method.h"

namespace {
thread_local std::uint64_t allocations = 0;
}
// The sanitizers bring their own; under them nothing is counted.
#if !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)
void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
#endif

namespace weir::persist {
namespace {

constexpr int kClients = 300;
constexpr std::int64_t kNow = 1'800'000'000;

pool::BackendSet set_of_size(std::size_t size) {
  pool::BackendSet set;
  for (std::size_t i = 0; i < size; ++i) {
    std::string id = "b" + std::to_string(i);
    set.push_back({.backend = std::make_shared<pool::Backend>("site", id, "127.0.0.1", 80), .addresses = nullptr});
  }
  return set;
}

StickyKey key_of(unsigned char byte) {
  StickyKey key;
  key.bytes.fill(byte);
  return key;
}

class MethodContract : public testing::TestWithParam<std::string> {
 protected:
  static const config::KindEntry& entry() { return *config::find_entry(methods(), GetParam()); }
  static const config::Traits& traits() { return entry().traits; }

  // The entry's choice. A text that has no default and must be given gets one that any name may be.
  static config::Choice choice() {
    config::Choice made = config::default_choice(entry());
    for (const config::OptionFault& fault : entry().faults(made)) {
      made.options[std::string(fault.key)] = std::string("x-client");
    }
    return made;
  }
  static std::unique_ptr<Method> make(const pool::BackendSet& set, const StickyKey& key = key_of(1)) {
    return make_method(choice(), {.pool = "site", .backends = set, .key = key});
  }

  // A client with an address of its own, which sends all its requests with the same fields: a header, and the cookies
  // that it was told.
  struct Visitor {
    explicit Visitor(int number) : value("client" + std::to_string(number)) { request.headers.add("x-client", value); }
    Client seen() const {
      return {.address_hash = base::hash_text(value), .request = &request, .unix_seconds = kNow, .over_tls = false};
    }
    void told(std::string_view set_cookie) {
      if (set_cookie.empty()) return;
      cookie = set_cookie.substr(0, set_cookie.find(';'));
      request.headers.add("cookie", cookie);
    }
    std::string value;
    std::string cookie;
    http::RequestHead request;
  };

  base::Arena arena_;
};

TEST_P(MethodContract, DeclaresOptionsThatItTakes) {
  EXPECT_FALSE(entry().summary.empty());
  std::set<std::string_view> keys;
  for (const config::OptionSpec& option : entry().options) {
    EXPECT_TRUE(keys.insert(option.key).second) << option.key;
    EXPECT_FALSE(option.summary.empty()) << option.key;
  }
  EXPECT_TRUE(entry().faults(choice()).empty());
  pool::BackendSet set = set_of_size(3);
  EXPECT_FALSE(make(set)->known_by().empty());
}

TEST_P(MethodContract, RefusesANameThatCannotBeSent) {
  for (const config::OptionSpec& option : entry().options) {
    if (option.key != "name") continue;
    config::Choice wrong = choice();
    wrong.options["name"] = std::string("a b");
    std::vector<config::OptionFault> faults = entry().faults(wrong);
    ASSERT_EQ(faults.size(), 1u);
    EXPECT_TRUE(faults[0].message.starts_with("'a b' cannot be the name of a ")) << faults[0].message;
  }
}

TEST_P(MethodContract, KeepsEachClientAtTheBackendThatTookIt) {
  pool::BackendSet set = set_of_size(20);
  auto method = make(set);
  std::set<std::uint32_t> used;
  for (int i = 0; i < kClients; ++i) {
    Visitor visitor(i);
    std::uint32_t home = method->find(visitor.seen()).index;
    if (home == balance::kNone) {
      home = static_cast<std::uint32_t>(i) % 20;
      visitor.told(method->chosen(visitor.seen(), home, arena_));
    }
    used.insert(home);
    for (int again = 0; again < 3; ++again) EXPECT_EQ(method->find(visitor.seen()).index, home);
  }
  EXPECT_EQ(used.size(), 20u) << "clients spread over all backends";
}

TEST_P(MethodContract, TellsTheClientOnlyWhenItSetsACookie) {
  pool::BackendSet set = set_of_size(3);
  auto method = make(set);
  Visitor visitor(1);
  std::string_view told = method->chosen(visitor.seen(), 1, arena_);
  EXPECT_EQ(!told.empty(), traits().sets_cookie) << told;
  visitor.told(told);
  if (traits().sets_cookie) EXPECT_EQ(method->find(visitor.seen()).index, 1u);
}

TEST_P(MethodContract, DependsOnTheKeyOnlyWhenItSetsACookie) {
  pool::BackendSet set = set_of_size(3);
  Visitor visitor(1);
  visitor.told(make(set)->chosen(visitor.seen(), 1, arena_));
  std::uint32_t with_other_key = make(set, key_of(2))->find(visitor.seen()).index;
  EXPECT_EQ(with_other_key != make(set)->find(visitor.seen()).index, traits().sets_cookie);
}

TEST_P(MethodContract, KnowsClientsWithoutRequestsUnlessItNeedsThem) {
  pool::BackendSet set = set_of_size(5);
  auto method = make(set);
  for (std::uint64_t address = 0; address < 50; ++address) {
    Client client{.address_hash = base::mix(address)};
    std::uint32_t index = method->find(client).index;
    if (traits().needs_requests) {
      EXPECT_EQ(index, balance::kNone);
    } else {
      EXPECT_LT(index, 5u);
      EXPECT_EQ(method->find(client).index, index);
    }
  }
}

TEST_P(MethodContract, MatchesNobodyInAnEmptySet) {
  pool::BackendSet set = set_of_size(3);
  pool::BackendSet none;
  Visitor visitor(1);
  visitor.told(make(set)->chosen(visitor.seen(), 1, arena_));
  EXPECT_EQ(make(none)->find(visitor.seen()).index, balance::kNone);
  EXPECT_EQ(make(none)->find({.address_hash = 7}).index, balance::kNone);
}

TEST_P(MethodContract, MovesFewClientsWhenABackendLeavesAndBringsItsOwnElsewhere) {
  pool::BackendSet with = set_of_size(20);
  pool::BackendSet without = with;
  without.erase(without.begin() + 7);
  auto before = make(with);
  auto after = make(without);
  int moved_needlessly = 0;
  for (int i = 0; i < kClients; ++i) {
    Visitor visitor(i);
    std::uint32_t home = before->find(visitor.seen()).index;
    if (home == balance::kNone) {
      home = static_cast<std::uint32_t>(i) % 20;
      visitor.told(before->chosen(visitor.seen(), home, arena_));
    }
    std::uint32_t next = after->find(visitor.seen()).index;
    if (home == 7) continue;
    moved_needlessly += next == balance::kNone || with[home].backend != without[next].backend;
  }
  EXPECT_LE(moved_needlessly, kClients / 20);
}

TEST_P(MethodContract, AllocatesNothingOnceMade) {
  pool::BackendSet set = set_of_size(20);
  auto method = make(set);
  Visitor visitor(1);
  visitor.told(method->chosen(visitor.seen(), 1, arena_));
  base::Arena warm;
  method->chosen(visitor.seen(), 1, warm);
  std::uint64_t before = allocations;
  for (int i = 0; i < 1000; ++i) {
    method->find(visitor.seen());
    method->find({.address_hash = static_cast<std::uint64_t>(i)});
    warm.reset();
    method->chosen(visitor.seen(), 1, warm);
  }
  EXPECT_EQ(allocations, before);
}

TEST_P(MethodContract, ServesSeveralWorkersAtOnce) {
  pool::BackendSet set = set_of_size(20);
  auto method = make(set);
  auto work = [&] {
    base::Arena arena;
    for (int i = 0; i < kClients; ++i) {
      Visitor visitor(i);
      std::uint32_t home = method->find(visitor.seen()).index;
      if (home != balance::kNone) continue;
      visitor.told(method->chosen(visitor.seen(), 3, arena));
      arena.reset();
      if (traits().sets_cookie) EXPECT_EQ(method->find(visitor.seen()).index, 3u);
    }
  };
  std::vector<std::jthread> threads;
  for (int worker = 0; worker < 4; ++worker) threads.emplace_back(work);
}

std::vector<std::string> names() {
  std::vector<std::string> result;
  for (const config::KindEntry& method : methods()) result.emplace_back(method.name);
  return result;
}
INSTANTIATE_TEST_SUITE_P(Every, MethodContract, testing::ValuesIn(names()),
                         [](const auto& each) { return each.param; });

TEST(Methods, HaveDifferentNames) {
  std::vector<std::string> all = names();
  EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), all.size());
}

TEST(Methods, OneWorksWithoutRequests) {
  EXPECT_TRUE(std::ranges::any_of(methods(), [](const auto& method) { return !method.traits.needs_requests; }));
}

}  // namespace
}  // namespace weir::persist
