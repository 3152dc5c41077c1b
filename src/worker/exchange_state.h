// The memory of exchanges.
#pragma once

#include <memory>
#include <vector>

#include "base/arena.h"
#include "http/message.h"

namespace weir::worker {

// Memory that one exchange needs and the next one can use again. What it holds are views into the arena, the client's
// buffer or the exchange, none of which outlives that exchange.
struct ExchangeState {
  void clear() {
    request.clear();
    response.clear();
    sent_trailers.clear();
    received_trailers.clear();
    arena.reset();
  }

  http::RequestHead request;
  http::ResponseHead response;
  http::HeaderMap sent_trailers;  // that go on to the other side
  http::HeaderMap received_trailers;
  base::Arena arena;
};

// The free states of one worker.
class ExchangeStates {
 public:
  std::unique_ptr<ExchangeState> take();
  void give_back(std::unique_ptr<ExchangeState> state);
  // Half of it goes back to the heap.
  void shrink();

 private:
  std::vector<std::unique_ptr<ExchangeState>> free_;
};

}  // namespace weir::worker
