// Runs one checker of some options against an address.
#pragma once

#include <fmt/format.h>
#include <memory>
#include <optional>
#include <string>

#include "gtest/gtest.h"

#include "health/checker.h"
#include "net/task_group.h"
#include "tests/support/scripted_server.h"

namespace weir::health {

using Options = decltype(config::Choice::options);

inline net::Task<void> check_once(Checker& checker, CheckTarget target, std::optional<CheckResult>& result) {
  result = co_await checker.check(target);
}

class OneChecker : public testing::Test {
 protected:
  explicit OneChecker(std::string name) : name_(std::move(name)) { reactor_.adopt_thread(); }

  CheckResult check(const base::SocketAddress& address, Options options,
                    base::Nanoseconds timeout = std::chrono::seconds(20)) {
    target_.address = address;
    target_.host = "backend.example";
    target_.timeout = timeout;
    std::unique_ptr<Checker> checker = make_checker({.name = name_, .options = std::move(options)});
    std::optional<CheckResult> result;
    group_.spawn(check_once(*checker, target_, result));
    while (!result) reactor_.run_once(base::TimePoint::max());
    return *result;
  }
  // "key: message" of the one fault of these options; else their number.
  std::string fault(Options options) const {
    config::OptionFaults faults = faults_of({.name = name_, .options = std::move(options)});
    return faults.size() == 1 ? fmt::format("{}: {}", faults[0].key, faults[0].message) : fmt::to_string(faults.size());
  }

  std::string name_;
  CheckTarget target_;
  net::Reactor reactor_;
  net::TaskGroup group_;
};

}  // namespace weir::health
