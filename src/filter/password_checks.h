// Passwords are hashed slowly on purpose: in a thread of its own, so that the traffic of the worker goes on.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/error.h"
#include "net/task.h"

namespace weir::filter {

// Any worker asks; one thread answers, in turn. Destroyed before the reactors of those who ask.
class PasswordChecks {
 public:
  // Checks that wait; more are refused at once.
  static constexpr std::size_t kMostWaiting = 128;

  PasswordChecks() = default;
  PasswordChecks(const PasswordChecks&) = delete;
  PasswordChecks& operator=(const PasswordChecks&) = delete;
  ~PasswordChecks();

  // Makes the thread, once; until then nothing is answered. The control thread.
  void start();

  // Whether `hash` (crypt(5)) is of `password`. Error{exhausted, ours}: too many wait; {timeout, ours}: it took longer
  // than until `deadline`; {cancelled}. Nothing of the password is left in memory. Within a task of a reactor.
  net::Task<base::Result<bool>> matches(std::string hash, std::string password, base::TimePoint deadline);

 private:
  struct Check;
  bool post(std::shared_ptr<Check> check);
  void run(const std::stop_token& stop);

  std::mutex mutex_;  // guards waiting_
  std::condition_variable_any changed_;
  std::deque<std::shared_ptr<Check>> waiting_;
  std::jthread thread_;
};

}  // namespace weir::filter
