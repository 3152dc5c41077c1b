// The control thread's part of passive checks: it publishes what workers eject, lets backends return, and compares the
// backends of each pool once a second.
#pragma once

#include <deque>
#include <expected>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "control/event_log.h"
#include "control/publisher.h"
#include "pool/outliers.h"
#include "worker/ejection_news.h"

namespace weir::control {

// The ejection of a backend as the API shows it. Times are milliseconds since 1970-01-01 UTC.
struct EjectionDetails {
  struct Change {
    std::int64_t at_unix_ms = 0;
    bool is_out = false;
    std::optional<pool::EjectionReason> reason;  // of an ejection
    std::string detail;
  };
  pool::EjectionState::Phase phase = pool::EjectionState::Phase::in;
  std::int64_t since_unix_ms = 0;  // of the present ejection, and of its trial
  std::int64_t until_unix_ms = 0;  // when its time is over, or was
  pool::EjectionReason reason{};
  std::string detail;
  std::uint32_t count = 0;      // ejections in a row
  std::vector<Change> history;  // the last 16, oldest first
};

// Control thread only.
class Ejections {
 public:
  // `random` spreads the times of return.
  Ejections(Publisher& publisher, EventLog& events, base::Random random = base::Random::seeded())
      : publisher_(publisher), events_(events), random_(random) {}

  // A worker has ejected an endpoint, or its trial has ended. Of one that has changed again since then only its history
  // tells.
  void hear(const worker::EjectionNews& news, base::TimePoint now);
  // Lets those be tried whose time is over.
  void advance(base::TimePoint now);
  // When advance() has something to do.
  base::TimePoint next_due() const { return due_.empty() ? base::TimePoint::max() : due_.begin()->first; }
  // Compares backends by the traffic of the last seconds, and ends trials of which nothing is heard. Once a second.
  void tick(base::TimePoint now);

  // An operator's orders; the error says why they cannot be. Ejects for `time`, in every pool that uses the same
  // endpoint, whatever the limits of the pools; but not the last backend of its pool that takes requests.
  std::expected<void, std::string> eject(const BackendKey& key, base::Nanoseconds time, base::TimePoint now);
  // Whether eject() may, without doing it.
  std::expected<void, std::string> may_eject(const BackendKey& key) const;
  // In again at once, without a trial. Nothing happens to one that is in.
  void readmit(const BackendKey& key, base::TimePoint now);

  // Nothing when the backend was never ejected.
  std::optional<EjectionDetails> details(const BackendKey& key, base::TimePoint now) const;

 private:
  static constexpr std::size_t kHistoryLimit = 16;

  struct Record {
    std::weak_ptr<pool::Endpoint> endpoint;
    std::uint32_t serial = 0;  // of the last change that is known here, where the history has any
    bool is_out = false;
    base::TimePoint due = base::TimePoint::max();  // its place in due_; max: it has none
    std::int64_t since_unix_ms = 0;
    std::int64_t until_unix_ms = 0;
    pool::EjectionReason reason{};
    std::string detail;
    std::deque<EjectionDetails::Change> history;
  };
  // The traffic of a backend in a pool.
  struct Observed {
    pool::TrafficWindow window;
    std::uint32_t serial = 0;  // of the endpoint's state that the window is of
    std::uint64_t tick = 0;    // the last that saw it
    bool is_spared = false;    // it was an outlier then, and too many were out
  };

  struct Cause {
    pool::EjectionReason reason;
    std::string detail;
    std::shared_ptr<const config::Pool> by{};  // whose rules it is by
  };
  void note_out(const std::shared_ptr<pool::Endpoint>& endpoint, pool::EjectionState state, Cause cause,
                base::TimePoint now);
  void note_return(const std::shared_ptr<pool::Endpoint>& endpoint, pool::EjectionState state, std::string detail,
                   base::TimePoint now);
  void note_stale(const worker::EjectionNews& news, base::TimePoint now);
  Record& record_of(const std::shared_ptr<pool::Endpoint>& endpoint);
  Record& record_change(const std::shared_ptr<pool::Endpoint>& endpoint, pool::EjectionState state,
                        base::TimePoint now);
  void set_due(Record& record, const pool::Endpoint* endpoint, base::TimePoint due);
  void forget_unused();
  void tell(const pool::Endpoint& endpoint, const EjectionDetails::Change& change, double seconds, bool counts);
  void compare(const std::shared_ptr<const config::Pool>& pool, worker::PoolRuntime& runtime,
               std::span<const Publisher::MemberView> members, base::TimePoint now);
  void catch_up(const std::shared_ptr<pool::Endpoint>& endpoint, base::TimePoint now);
  void warn_of_prevented(const config::Pool& pool, const worker::PoolRuntime& runtime);

  Publisher& publisher_;
  EventLog& events_;
  base::Random random_;
  std::unordered_map<const pool::Endpoint*, Record> records_;  // of those that were ever ejected
  std::map<std::pair<const worker::PoolRuntime*, const pool::Backend*>, Observed> observed_;
  std::map<std::string, std::uint64_t, std::less<>> prevented_;       // by pool, as far as they were logged
  std::unordered_map<const pool::Endpoint*, std::uint64_t> unheard_;  // changed without a message, seen by which tick
  std::uint64_t ticks_ = 0;
  std::set<std::pair<base::TimePoint, const pool::Endpoint*>> due_;  // ends of ejections, of endpoints in records_
};

}  // namespace weir::control
