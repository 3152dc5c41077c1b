// An endpoint: where a backend is reached and how connections to it are made, with what live traffic has learnt of it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/clock.h"
#include "config/config.h"
#include "pool/addresses.h"
#include "pool/ejection_state.h"

namespace weir::pool {

enum class Transport : std::uint8_t { stream, datagrams };

// All that a pool's configuration says about connections to its backends. Two pools with the same one fail at a backend
// in the same way.
struct EndpointProtocol {
  Transport transport = Transport::stream;
  config::PoolProtocol protocol = config::PoolProtocol::http_1_1;
  std::optional<config::PoolTls> tls{};  // nothing: no TLS
  config::SendProxy proxy_protocol = config::SendProxy::off;
  bool transparent = false;
  friend bool operator==(const EndpointProtocol&, const EndpointProtocol&) = default;
};

struct EndpointIdentity {
  std::string host;  // address or name, as configured
  std::uint16_t port = 0;
  // Never null. Shared by the backends of a pool.
  std::shared_ptr<const EndpointProtocol> protocol = std::make_shared<const EndpointProtocol>();

  // The hash of host and port.
  std::size_t hash() const;
  // Compares the protocols by value.
  friend bool operator==(const EndpointIdentity& one, const EndpointIdentity& other);
};

// Failures in a row of either kind, since the last success of that kind.
struct FailureRow {
  static constexpr std::uint32_t kMost = 0xfff, kMostCrashes = 0xff;
  std::uint32_t external = 0;  // answers that are failures
  std::uint32_t local = 0;     // connections, timeouts, broken answers
  std::uint32_t crashes = 0;   // those of them that look like a crash, which count twice
};

// Shared by the backends of all pools that reach the same server in the same way: a failure that one pool has met
// counts for the others at once. Lives as long as a snapshot or the prober refers to it. Any thread: identity is
// immutable, state is relaxed atomics that workers, the control thread and the prober write, and that are seldom
// written.
class Endpoint {
 public:
  explicit Endpoint(EndpointIdentity identity) : identity_(std::move(identity)) {}
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;

  const EndpointIdentity& identity() const { return identity_; }

  // Whether it was ejected, and how far it is on its way back.
  EjectionState ejection() const { return EjectionState(ejection_.load(std::memory_order_relaxed)); }
  // Makes `to` of `from`; false, and nothing happens, when it is another by now. Of several threads one succeeds.
  // Failures in a row begin anew.
  bool change(EjectionState from, EjectionState to);

  // `rules` is a number for the answers that a pool takes for failures: with another number an answer that is fine for
  // one pool may be a failure for the other. kNoAnswers: of connections and flows, which have none.
  static constexpr std::uint32_t kNoAnswers = UINT32_MAX;
  // A success of traffic ends the row of local failures, and that of bad answers by the same rules. Most find nothing
  // to end, and leave the line to the caches of all workers.
  void succeeded(std::uint32_t rules) {
    if (failures_.load(std::memory_order_relaxed) != 0) [[unlikely]]
      end_rows(rules);
  }
  // Ends both rows.
  void forget_failures() { failures_.store(0, std::memory_order_relaxed); }
  // Adds to the rows; the rows with that. Each stops at 4095, that of crashes at 255. A bad answer by other rules than
  // those of the row begins a new one.
  FailureRow failed(FailureRow more, std::uint32_t rules);
  // Bad answers in a row by these rules.
  std::uint32_t bad_answers(std::uint32_t rules) const;

  // The trial `trial` has a connection, or its call was sent, and nothing more may be heard of it for long: without a
  // failure it has succeeded at `then`.
  void trial_is_good_at(base::TimePoint then, EjectionState trial);
  // The state that follows on a trial of which nothing is heard: in after that time; half-open, so that another request
  // can be a trial as well, after EjectionState::kTrialPatience where no such time was set. Nothing when it is too
  // early for either. For one thread, the control thread.
  std::optional<EjectionState> after_patience(base::TimePoint now) const;

  // Whether its present ejection is an operator's. The control thread's own.
  bool ejected_by_operator = false;
  // The pool whose rules its present ejection is by; null: an operator's, or not known. The control thread's own.
  std::shared_ptr<const config::Pool> ejected_by;

  // The failures of its addresses, where its host is a name with several.
  FailedAddresses failed_addresses;

 private:
  void end_rows(std::uint32_t rules);

  std::atomic<std::uint64_t> ejection_{0};
  std::atomic<std::uint64_t> failures_{0};  // rules << 32 | crashes << 24 | local << 12 | external; 0: none
  // The time in milliseconds and the state's serial, as EjectionState has them; 0: none.
  std::atomic<std::uint64_t> quiet_trial_{0};
  const EndpointIdentity identity_;
};

// The one request, connection or flow that is sent to a half-open endpoint to see whether it is good again. Exactly one
// outcome: the first that is told, or that nothing is known, when it is destroyed.
class Trial {
 public:
  Trial() = default;
  Trial(Trial&& other) noexcept : endpoint_(std::exchange(other.endpoint_, nullptr)), state_(other.state_) {}
  Trial& operator=(Trial&& other) noexcept {
    abandon();
    endpoint_ = std::exchange(other.endpoint_, nullptr);
    state_ = other.state_;
    return *this;
  }
  ~Trial() { abandon(); }

  // Makes the caller's work the trial of `endpoint`, which must outlive this. False: it is not half-open, waits for
  // work that is idempotent, or another was first.
  bool begin(Endpoint& endpoint, bool is_idempotent, base::TimePoint now);
  bool is_under_way() const { return endpoint_ != nullptr; }
  bool is_of(const Endpoint& endpoint) const { return endpoint_ == &endpoint; }

  // Each ends the trial. The state that it has led to; nothing where an operator, another trial, or the control
  // thread's patience with a quiet one, was first. A trial that took long, so that others have begun, still decides for
  // all.
  std::optional<EjectionState> succeed(base::TimePoint now);
  std::optional<EjectionState> fail(base::TimePoint now, base::TimePoint until);
  void abandon() {
    if (endpoint_ != nullptr) std::exchange(endpoint_, nullptr)->change(state_, state_.abandoned());
  }
  // Nothing more may be heard of it for long: without a failure it has succeeded at `then`.
  void is_good_at(base::TimePoint then) {
    if (endpoint_ != nullptr && endpoint_->ejection() == state_) endpoint_->trial_is_good_at(then, state_);
  }
  // Of the endpoint since begin().
  EjectionState state() const { return state_; }

 private:
  template <typename Next>
  std::optional<EjectionState> end(Next next);

  Endpoint* endpoint_ = nullptr;  // null: none is under way
  EjectionState state_;
};

}  // namespace weir::pool
