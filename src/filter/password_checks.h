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
#include "base/ip.h"
#include "net/task.h"

namespace weir::filter {

// Any worker asks; one thread answers, in turn. Destroyed before the reactors of those who ask.
class PasswordChecks {
 public:
  // Checks that wait, of all clients and of one; more are refused at once.
  static constexpr std::size_t kMostWaiting = 128;
  static constexpr std::size_t kMostOfClient = 8;

  PasswordChecks() = default;
  PasswordChecks(const PasswordChecks&) = delete;
  PasswordChecks& operator=(const PasswordChecks&) = delete;
  ~PasswordChecks();

  // Makes the thread, once; until then nothing is answered. The control thread.
  void start();

  struct Question {
    std::string hash;  // crypt(5)
    std::string password;
    base::IpAddress client;  // who asks: an IPv4 address, or the first 64 bits of an IPv6 address
  };
  // Whether the hash is of the password. Error{exhausted, ours}: too many wait, or it could not be hashed for lack of
  // memory; {timeout, ours}: it took longer than until `deadline`; {cancelled}. Nothing of the password is left in
  // memory. Within a task of a reactor.
  net::Task<base::Result<bool>> matches(Question question, base::TimePoint deadline);

 private:
  struct Check;
  // Why it cannot wait; null: it waits.
  const char* post(const std::shared_ptr<Check>& check);
  void answer(const std::shared_ptr<Check>& check);
  void run(const std::stop_token& stop);

  std::mutex mutex_;  // guards waiting_
  std::condition_variable_any changed_;
  std::deque<std::shared_ptr<Check>> waiting_;
  std::jthread thread_;
};

}  // namespace weir::filter
