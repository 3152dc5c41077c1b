// A thread for calls that block, so that the reactor whose work they are goes on meanwhile.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "net/reactor.h"
#include "net/task.h"
#include "net/wait.h"
#include "store/patience.h"

namespace weir::store {

// Runs calls one after the other. Used and destroyed on the thread of one reactor, which outlives it; the destructor
// waits for the call that runs, whose caller has stopped waiting by then.
class SideThread {
 public:
  SideThread() : thread_([this](const std::stop_token& stop) { run(stop); }) {}
  SideThread(const SideThread&) = delete;
  SideThread& operator=(const SideThread&) = delete;

  // The result of `call`, or nothing when it has not ended by `deadline` or the chain of tasks is cancelled: then
  // `is_certain` says whether the call has changed nothing and never will.
  template <typename T>
  struct Outcome {
    std::optional<T> result;
    bool is_certain = true;
  };
  template <typename T>
  net::Task<Outcome<T>> run(std::function<T(Patience&)> call, base::TimePoint deadline);

 private:
  template <typename T>
  struct Job;
  void post(std::function<void()> job);
  void run(const std::stop_token& stop);

  std::mutex mutex_;  // guards jobs_
  std::condition_variable_any changed_;
  std::deque<std::function<void()>> jobs_;
  std::jthread thread_;  // last: it uses the others
};

// ---- inline -------------------------------------------------------------------------------------------------------

template <typename T>
struct SideThread::Job {
  explicit Job(base::Nanoseconds limit) : patience(limit) {}
  Patience patience;
  // -- the reactor's thread
  net::Waiter* waiter = nullptr;  // null: nobody waits any more
  std::optional<T> result;
};

template <typename T>
net::Task<SideThread::Outcome<T>> SideThread::run(std::function<T(Patience&)> call, base::TimePoint deadline) {
  // The call gives up a little earlier than its caller, to whom it says why.
  net::Reactor& home = net::Reactor::current();
  base::Nanoseconds limit = deadline - home.now();
  auto job = std::make_shared<Job<T>>(limit - limit / 8);
  net::Waiter waiter;
  job->waiter = &waiter;
  auto work = [job, &home, call = std::move(call)] {
    T result = call(job->patience);
    home.post([job, result = std::move(result)]() mutable {
      job->result.emplace(std::move(result));
      if (job->waiter != nullptr) job->waiter->wake();
    });
  };
  post(std::move(work));
  base::Result<void> woken = co_await waiter.wait_until(deadline);
  job->waiter = nullptr;
  Outcome<T> outcome;
  if (woken) {
    outcome.result = std::move(job->result);
  } else {
    outcome.is_certain = job->patience.abandon();
  }
  co_return outcome;
}

}  // namespace weir::store
