#include "worker/exchange_state.h"

#include "gtest/gtest.h"

namespace weir::worker {
namespace {

TEST(ExchangeStates, GiveTheSameMemoryAgainCleared) {
  ExchangeStates states;
  std::unique_ptr<ExchangeState> state = states.take();
  const ExchangeState* used = state.get();
  state->request.method = state->arena.copy("GET");
  states.give_back(std::move(state));
  state = states.take();
  EXPECT_EQ(state.get(), used);
  EXPECT_TRUE(state->request.method.empty());
}

TEST(ExchangeStates, GiveHalfBackToTheHeap) {
  ExchangeStates states;
  std::unique_ptr<ExchangeState> first = states.take();
  std::unique_ptr<ExchangeState> second = states.take();
  const ExchangeState* kept = first.get();
  states.give_back(std::move(first));
  states.give_back(std::move(second));
  states.shrink();
  EXPECT_EQ(states.take().get(), kept);
}

}  // namespace
}  // namespace weir::worker
