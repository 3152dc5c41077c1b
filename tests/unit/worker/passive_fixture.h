// Passive checks as the tries of a pool see them: a worker, its endpoints and a pool of three backends.
#pragma once

#include <algorithm>
#include <cerrno>
#include <new>

#include "gtest/gtest.h"

#include "pool/endpoints.h"
#include "worker/backend_tries.h"

namespace weir::worker {

using base::Error;
using base::ErrorCode;
using base::Side;
using pool::EjectionReason;
using pool::EjectionState;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Phase = EjectionState::Phase;
using How = TryOutcome::How;

inline constexpr Error kRefused{.code = ErrorCode::refused,
                                .side = Side::backend,
                                .retry_helps = true,
                                .os_error = ECONNREFUSED,
                                .what = "connect"};
inline constexpr Error kReset{.code = ErrorCode::reset, .side = Side::backend, .what = "read"};
inline constexpr Error kTimeout{.code = ErrorCode::timeout, .side = Side::backend, .what = "no response"};

// Picks the first backend that is not to be avoided.
class InOrder final : public balance::Strategy {
 public:
  explicit InOrder(std::size_t backends) : backends_(backends) {}
  std::uint32_t pick(const balance::PickContext& context) override {
    for (std::uint32_t index = 0; index < backends_; ++index) {
      if (std::ranges::find(context.avoid, index) == context.avoid.end()) return index;
    }
    return 0;
  }

 private:
  std::size_t backends_;
};

class PassiveChecksTest : public testing::Test {
 protected:
  PassiveChecksTest() {
    services_.registry = &registry_;
    services_.ejection = [this](EjectionNews news) { news_.push_back(std::move(news)); };
    worker_.reactor.adopt_thread();
    fill(pool_, "site", {});
  }
  void fill(PoolSnapshot& pool, const std::string& name, config::Passive passive) {
    auto config = std::make_shared<config::Pool>();
    config->name = name;
    config->passive = passive;
    pool.config = std::move(config);
    pool.runtime = std::make_shared<PoolRuntime>(name, 1, registry_);
    pool.runtime->ejections.set_limit(2);
    for (std::uint16_t port : {80, 81, 82}) {
      pool.eligible.push_back(
          {.backend = std::make_shared<pool::Backend>(name, std::to_string(port), "127.0.0.1", port),
           .endpoint = endpoints_.get({"127.0.0.1", port}),
           .addresses = nullptr});
      pool.eligible.back().backend->traffic.keep(1, true);
    }
    pool.strategy = std::make_unique<InOrder>(pool.eligible.size());
  }
  // The outcome of one try on the first backend.
  void request(const TryOutcome& outcome, bool connects = true) {
    BackendTries tries(worker_);
    tries.use(pool_, get_);
    tries.begin(0);
    if (!connects) tries.connect_failed(outcome.error);
    tries.end(outcome);
  }
  void answer(std::uint16_t status) {
    request({.how = How::answered, .status = status, .latency = milliseconds(9), .backend_time = milliseconds(3)});
  }
  void fail(const Error& error) { request(TryOutcome::of(error), error.code != ErrorCode::refused); }
  std::uint32_t picked(bool request) {
    BackendTries tries(worker_);
    tries.use(pool_, request);
    return tries.pick(0);
  }
  pool::Endpoint& endpoint(PoolSnapshot& pool, std::size_t index = 0) { return *pool.eligible[index].endpoint; }
  // Whether the trial is taken for good after that time.
  bool is_good_after(base::Nanoseconds time) {
    auto after = endpoint(pool_).after_patience(worker_.reactor.now() + time);
    return after && after->is_in();
  }
  Phase phase() { return endpoint(pool_).ejection().phase(); }
  // Its time is over since `ago`, as the control thread would have it.
  void let_wait_for_trial(base::Nanoseconds ago = base::Nanoseconds(0)) {
    base::TimePoint now = worker_.reactor.now();
    EjectionState before = endpoint(pool_).ejection(), out = before.ejected(now, now);
    ASSERT_TRUE(endpoint(pool_).change(before, out));
    ASSERT_TRUE(endpoint(pool_).change(out, out.half_open(now - ago)));
  }

  // The first backend waits for its trial, in the snapshot's list of those.
  void hold_for_trial() {
    let_wait_for_trial();
    pool_.trials.push_back(pool_.eligible[0]);
    pool_.ejected_by.emplace_back();
    pool_.eligible.erase(pool_.eligible.begin());
    pool_.strategy = std::make_unique<InOrder>(pool_.eligible.size());
  }

  metrics::Registry registry_{1};
  pool::Endpoints endpoints_;
  Services services_;
  Worker worker_{0, services_};
  PoolSnapshot pool_;
  static constexpr bool get_ = true, post_ = false;  // may be done twice without harm
  std::vector<EjectionNews> news_;
};

}  // namespace weir::worker
