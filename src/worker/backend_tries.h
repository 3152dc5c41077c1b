// The tries of one exchange, TCP connection or UDP flow on the backends of its pool: the choice of a backend, the
// counting of each try from begin to end, and whether another one follows.
#pragma once

#include <array>
#include <cstdint>

#include "base/error.h"
#include "worker/retry.h"
#include "worker/try_outcome.h"
#include "worker/worker.h"

namespace weir::worker {

// Lives as long as that work, on the worker's thread; the caller keeps the pool's snapshot alive. Every try is begun
// and ended: between the two the backend counts it as in flight.
class BackendTries {
 public:
  explicit BackendTries(Worker& worker) : worker_(worker) {}
  ~BackendTries() { end({}); }
  BackendTries(const BackendTries&) = delete;
  BackendTries& operator=(const BackendTries&) = delete;

  // The work is a request, which may be done twice without harm or not; or no request. Connections and flows are of use
  // as trials as they come: nothing else would ever be.
  void use(const PoolSnapshot& pool, bool is_idempotent) { pool_ = &pool, is_idempotent_ = is_idempotent; }
  void use(const PoolSnapshot& pool, Carried carried) { pool_ = &pool, carried_ = carried; }

  // A half-open backend that takes this work for its trial, else the strategy's choice for `key_hash` (see
  // balance::PickContext), passing over what has been tried, what passive
  // checks keep work from, and what has left since the snapshot was made, unless nothing else is left; balance::kNone
  // when no backend is eligible. What has become unhealthy since then is no more eligible, unless the pool's
  // `min_healthy` asks for it; nor, for a further try, what had all its time to drain.
  std::uint32_t pick(std::uint64_t key_hash);
  // Whether passive checks keep this work from the backend now, whatever picks it. A backend that waits for its trial
  // and takes this work for it is not held back: begin() must follow.
  bool is_held_back(std::uint32_t index);

  // For a connection or flow of the client with that hash: at first the backend that the pool's stickiness by address
  // gives it, else pick().
  std::uint32_t pick_for_client(std::uint64_t address_hash);

  // Why pick() has found none. Its `what` lives as long as the pool's snapshot.
  base::Error none_is_eligible() const;

  // No try, but further picks keep away from it: the backend has no room.
  void pass_over(std::uint32_t index) { note_tried(index); }

  // A try on `index` begins: it is present() from now on.
  void begin(std::uint32_t index);
  // Its backend is asked: the try counts among the backend's requests. One that waited for a connection in vain does
  // not.
  void reached() { backend().total_requests.fetch_add(1, std::memory_order_relaxed); }
  // The backend's first byte came after `latency`, and the try goes on: strategies and passive checks learn of it now,
  // not at the end. Of connections and flows.
  void responded(base::Nanoseconds latency);
  // The header of a gRPC call is sent: nothing may come back for long.
  void call_was_sent() {
    if (trial_.is_under_way()) [[unlikely]]
      trial_is_quiet(pool::EjectionState::kTrialPatience);
  }
  // The header of the response to a request has come; its body may go on for long. `may_fail_later`: a status of gRPC
  // follows it.
  void head_came(std::uint16_t status, bool may_fail_later) {
    if (trial_.is_under_way()) [[unlikely]]
      judge_trial(status, may_fail_later);
  }
  // The try is over. Without a try under way nothing happens.
  void end(const TryOutcome& outcome);
  bool under_way() const { return under_way_; }

  // Whether another try is to be made after `error`: by retry_after(), the pool's number of retries and its budget,
  // from which a yes takes one. repeats() says where: on the present backend once more, by a new connection.
  bool retry(const base::Error& error, const RetryFacts& work);
  bool repeats() const { return repeats_; }

  // How opening a connection to the present backend went; end() follows a failure. Those of is_connect_failure() count
  // for the health state machine at once.
  void connected();
  void connect_failed(const base::Error& error);

  // The backend of the present or last try; none before the first.
  bool has_backend() const { return index_ != balance::kNone; }
  std::uint32_t index() const { return index_; }
  const pool::BackendEntry& entry() const { return pool_->entry(index_); }
  pool::Backend& backend() const { return *entry().backend; }
  std::uint32_t tries() const { return tries_; }
  // Whether the present backend may be tried once more as it was.
  bool is_still_eligible() const { return !has_failed(index_) && !is_cut_off(index_); }

  // So many half-open backends are asked whether they take work for a trial, from any one of them on.
  static constexpr std::size_t kTrialsAsked = 8;
  // So many are kept away from at most.
  static constexpr std::size_t kMaxTried = 16;

 private:
  void note_tried(std::uint32_t index) {
    if (tried_count_ < kMaxTried) tried_[tried_count_++] = index;
  }
  bool was_tried(std::uint32_t index) const;
  std::uint32_t pick_trial();
  void count_success(base::Nanoseconds latency);
  void learn(const TryOutcome& outcome);
  void learn_of_trial(const TryOutcome& outcome, TryProgress progress, const Judgement& judgement);
  const config::Pool* ejected_by() const;
  void judge_trial(std::uint16_t status, bool may_fail_later);
  void trial_is_quiet(base::Nanoseconds patience);
  bool has_failed(std::uint32_t index) const;
  bool has_left(std::uint32_t index) const;
  bool is_cut_off(std::uint32_t index) const;
  bool is_barred(std::uint32_t index) const;

  Worker& worker_;
  const PoolSnapshot* pool_ = nullptr;
  pool::Trial trial_;  // the present try, or the one that pick() has just made one of
  std::uint32_t index_ = balance::kNone;
  std::uint32_t tries_ = 0;
  bool is_idempotent_ = true;
  bool under_way_ = false;
  bool responded_ = false;
  bool connect_failed_ = false;
  Carried carried_ = Carried::request;
  bool repeats_ = false;
  std::uint32_t retries_ = 0;  // paid for by the budget
  std::uint32_t tried_count_ = 0;
  std::array<std::uint32_t, kMaxTried> tried_;  // the first tried_count_
};

// Whether `code` says that a connection could not be opened by the backend's fault.
bool is_connect_failure(base::ErrorCode code);

}  // namespace weir::worker
