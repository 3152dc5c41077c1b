// The request's body on its way to the backend, while the response may already be on its way back.
#pragma once

#include <cstdint>
#include <optional>

#include "base/error.h"
#include "exchange/backend_side.h"
#include "exchange/client_side.h"
#include "exchange/facts.h"
#include "exchange/filtering.h"
#include "http/h1_body.h"
#include "net/task_group.h"

namespace weir::exchange {

struct RequestBody {
  // The whole request, in the present try.
  enum class Sending : std::uint8_t {
    under_way,
    sent,
    stopped,  // the backend takes no more of it; it may still answer
  };
  // The backend owes a response.
  bool is_over() const { return sending != Sending::under_way; }
  bool was_sent() const { return sending == Sending::sent; }

  Sending sending = Sending::under_way;
  bool pulled = false;             // bytes have left memory: no other backend can be given the whole request
  bool awaiting_continue = false;  // the client sends nothing before it gets 100
  std::uint64_t bytes = 0;         // received
  base::TimePoint sent_at{};       // when the pump has sent the last piece
  Filtering* filters = nullptr;    // on its way; null: none
  std::optional<base::Error> client_failure{};  // that ended it early
  std::optional<net::TaskGroup> pump{};         // pump_request_body(), of a body that was not in memory whole
};

// The piece that goes out with the head: all that is in memory.
struct FirstPiece {
  http::BodyPiece piece;
  const http::HeaderMap* trailers = nullptr;  // behind the last piece; null: none
};
base::Result<FirstPiece> first_piece(RequestBody& body, ClientSide& client, worker::ExchangeState& state);

// The same behind the stages of filters, which may wait. It is not in the buffers of the client's side, which may be
// used again meanwhile.
net::Task<base::Result<FirstPiece>> staged_first_piece(RequestBody& body, ClientSide& client,
                                                       worker::ExchangeState& state);

// The following pieces. Ends when the body has been sent, or cannot be. A client that fails is the exchange's failure;
// a backend that takes no more may still have an answer to give, so that is left to the reader of the response. All
// that it is given must outlive the task: it is in body.pump, which is joined before its attempt ends.
net::Task<void> pump_request_body(RequestBody& body, const Facts& facts, ClientSide& client, BackendSide& backend,
                                  PaceOwner& slow_client, worker::ExchangeState& state);

// Watches the client while it is waited for in that direction, as min_rate asks.
void watch_pace(Pace& pace, PaceOwner& owner, PaceOwner::Direction direction, const Facts& facts);

// Cuts a client that is slower than min_rate.
class SlowClient final : public PaceOwner {
 public:
  SlowClient(const worker::ClientConnection& connection, ClientSide& side, RequestBody& body)
      : connection_(connection), side_(side), body_(body) {}
  std::uint64_t moved(Direction direction) override;
  void too_slow(Direction direction) override;
  bool was_cut() const { return was_cut_; }

 private:
  const worker::ClientConnection& connection_;
  ClientSide& side_;
  RequestBody& body_;
  bool was_cut_ = false;
};

}  // namespace weir::exchange
