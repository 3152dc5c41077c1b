#include "health/agent_words.h"

#include "gtest/gtest.h"

namespace weir::health {
namespace {

using namespace std::chrono_literals;
using Admin = AgentWords::Admin;
using Service = AgentWords::Service;

TEST(AgentWords, ReadsEveryWord) {
  AgentWords words = AgentWords::read("75% maxconn:30\tdrain,up");
  EXPECT_EQ(words.percent, 75u);
  EXPECT_EQ(words.max_connections, 30u);
  EXPECT_EQ(words.admin, Admin::drain);
  EXPECT_EQ(words.service, Service::up);
  EXPECT_EQ(words.unknown, "");
  EXPECT_EQ(AgentWords::read("weight:5").weight, 5u);
  EXPECT_EQ(AgentWords::read("weight:5%").percent, 5u);
  EXPECT_EQ(AgentWords::read("MAINT").admin, Admin::maint);
  EXPECT_EQ(AgentWords::read("ready").admin, Admin::ready);
  EXPECT_EQ(AgentWords::read("stopped").service, Service::stopped);
}

TEST(AgentWords, TheReasonStandsBehindASharp) {
  for (const char* line : {"fail#disk, 100% full", "fail # disk, 100% full", " fail\t#disk, 100% full "}) {
    AgentWords words = AgentWords::read(line);
    EXPECT_EQ(words.service, Service::fail) << line;
    EXPECT_EQ(words.reason, "disk, 100% full") << line;
    EXPECT_FALSE(words.percent) << line;
  }
}

TEST(AgentWords, TheLastOfAKindCounts) {
  AgentWords words = AgentWords::read("10% weight:3 down up");
  EXPECT_EQ(words.percent, std::nullopt);
  EXPECT_EQ(words.weight, 3u);
  EXPECT_EQ(words.service, Service::up);
}

TEST(AgentWords, UnknownWordsAreNamedAndTheOthersHold) {
  AgentWords words = AgentWords::read("50% sleepy grumpy");
  EXPECT_EQ(words.percent, 50u);
  EXPECT_EQ(words.unknown, "sleepy");
  for (const char* wrong :
       {"%", "a%", "weight:", "weight:x", "weight:1001", "maxconn:-1", "maxconn:", "50", "100001%"}) {
    EXPECT_EQ(AgentWords::read(wrong).unknown, wrong);
  }
}

constexpr base::TimePoint kStart{1h};

TEST(AgentState, WordsThatAreLeftOutChangeNothing) {
  AgentState state;
  EXPECT_TRUE(state.hear("drain 50%", kStart));
  EXPECT_TRUE(state.hear("down#swap", kStart));
  EXPECT_EQ(state.verdict().text(), "drain, 50%, down: swap");
  EXPECT_FALSE(state.hear("", kStart));
  EXPECT_TRUE(state.hear("up", kStart));
  EXPECT_EQ(state.verdict().text(), "drain, 50%");
  EXPECT_TRUE(state.hear("ready", kStart));
  EXPECT_EQ(state.verdict().text(), "50%");
  EXPECT_FALSE(state.hear("ready up 50%", kStart));
}

TEST(AgentState, AWeightOfNothingDrains) {
  AgentState state;
  state.hear("0%", kStart);
  EXPECT_TRUE(state.verdict().drains());
  EXPECT_EQ(state.verdict().state_name(), "drain");
  state.hear("weight:0", kStart);
  EXPECT_TRUE(state.verdict().drains());
  state.hear("1%", kStart);
  EXPECT_FALSE(state.verdict().drains());
}

TEST(AgentState, AnAgentThatDoesNotAnswerIsForgottenAfterItsTime) {
  AgentState state;
  state.hear("maint", kStart);
  EXPECT_FALSE(state.miss("connect: refused", 10s, kStart + 9s));
  EXPECT_EQ(state.error(), "connect: refused");
  EXPECT_EQ(state.verdict().admin, Admin::maint);
  state.hear("50%", kStart + 9s);
  EXPECT_EQ(state.error(), "");
  EXPECT_FALSE(state.miss("connect: refused", 10s, kStart + 18s));
  EXPECT_TRUE(state.miss("connect: refused", 10s, kStart + 19s));
  EXPECT_EQ(state.verdict(), AgentVerdict());
  EXPECT_EQ(state.line(), "");
  EXPECT_FALSE(state.miss("connect: refused", 10s, kStart + 30s));
}

TEST(AgentState, SaysWhichWordIsNone) {
  AgentState state;
  state.hear("50% hello\x01", kStart);
  EXPECT_EQ(state.error(), "unknown word 'hello\\x01'");
  EXPECT_EQ(state.line(), "50% hello\\x01");
}

}  // namespace
}  // namespace weir::health
