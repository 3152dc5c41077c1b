// A client's connection, whatever carries its bytes: between its acceptance and its session, and then in its session.
#pragma once

#include <cstdint>
#include <optional>

#include "worker/client_facts.h"
#include "worker/worker.h"

namespace weir::worker {

// An accepted connection on its way to a session; counts as open from construction on. The worker's thread only.
class Arrival {
 public:
  Arrival(Worker& owner, Listening& on, ClientFacts known);
  Arrival(Arrival&& other) noexcept;
  Arrival& operator=(Arrival&&) = delete;
  ~Arrival();

  // Asks the listener's admission about `facts.peer`, which must not change afterwards. False: refused, and counted as
  // such.
  bool admit(const config::Listener& listener);

  Worker& worker;
  Listening& listening;
  ClientFacts facts;

 private:
  bool counted_ = true;
  Counted counted_by_address_ = Counted::no;
};

// How long the connection may live by its listener's max_connection_age (HTTP/2's own, if that has one); a share of
// that at random longer or shorter, so that connections opened together do not all come back together. Nothing: for
// ever.
std::optional<base::Nanoseconds> age_limit(const Arrival& client, bool http2);

// The state of an HTTP/1 connection; others are at work from their beginning.
enum class Stage : std::uint8_t {
  waiting,    // for the next request
  beginning,  // some of a request's head is there
  working,
};

// The common part of a session and its exchanges; lives in the session's frame, which is all that an idle connection
// costs.
class ClientConnection : public Arrival {
 public:
  explicit ClientConnection(Arrival&& arrival) : Arrival(std::move(arrival)) {}

  // HTTP/1: past its age_limit(), after which a response says Connection: close.
  bool is_old() const;
  void limit_age();

  Stage stage = Stage::waiting;  // what is not working has a moment when the listener closes
  std::uint32_t requests = 0;
  std::uint32_t old_at_tick = 0;  // of the reactor, its lower half; 0: never
};

}  // namespace weir::worker
