#include "worker/exchange_state.h"

#include <new>

namespace weir::worker {

namespace {

constexpr std::size_t kKeptStates = 1024;

}  // namespace

std::unique_ptr<ExchangeState> ExchangeStates::take() {
  if (free_.empty()) return std::make_unique<ExchangeState>();
  std::unique_ptr<ExchangeState> state = std::move(free_.back());
  free_.pop_back();
  return state;
}

void ExchangeStates::give_back(std::unique_ptr<ExchangeState> state) {
  state->clear();
  if (free_.size() >= kKeptStates) return;
  try {
    free_.push_back(std::move(state));
  } catch (const std::bad_alloc&) {
    // Then it is not kept.
  }
}

void ExchangeStates::shrink() {
  free_.resize(free_.size() / 2);
  free_.shrink_to_fit();
}

}  // namespace weir::worker
