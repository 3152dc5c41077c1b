// Bytes both ways between two connections: TCP listeners, and HTTP connections that were upgraded.
#pragma once

#include <cstdint>
#include <optional>

#include "base/clock.h"
#include "base/error.h"
#include "metrics/registry.h"
#include "net/task.h"
#include "net/task_group.h"
#include "net/tcp.h"

namespace weir::relay {

// Where bytes are counted as they pass; empty: nowhere. The backend's side counts the same bytes.
struct RelayCounters {
  metrics::Counter from_client, to_backend, from_backend, to_client;
  std::uint32_t worker = 0;
};

// Observes the backend's first byte as it comes.
class FirstByteObserver {
 public:
  // `asked`: when the client's last bytes before it had come; zero: none had, the backend speaks first.
  virtual void on_first_byte(base::TimePoint asked, base::TimePoint now) = 0;

 protected:
  ~FirstByteObserver() = default;
};

// Both directions run independently: an end in one is passed on and the other goes on. A slow reader stops the reading
// from its peer. Small traffic is copied, by one read and one write; a direction with much to move goes through a pipe
// for as long as that lasts. Nothing is held while a direction is quiet. The worker's thread only; borrows the streams.
class Relay {
 public:
  Relay(net::TcpStream& client, net::TcpStream& backend, base::Nanoseconds idle_limit,
        const RelayCounters* counters = nullptr, FirstByteObserver* observer = nullptr)
      : counters_(counters),
        observer_(observer),
        idle_limit_(idle_limit),
        upward_{.from = client, .to = backend, .from_side = base::Side::client},
        downward_{.from = backend, .to = client, .from_side = base::Side::backend} {}

  // Until both directions have ended, or one failed. Error: the first failure, with its side: {timeout} when neither
  // direction moved a byte for the limit, with side ours; {cancelled}; or one of reading and writing. The connections
  // are left as they are: closing them is the caller's.
  net::Task<base::Result<void>> run();

  std::uint64_t bytes_from_client() const { return upward_.bytes; }
  std::uint64_t bytes_from_backend() const { return downward_.bytes; }
  // The side that finished first; nothing: neither has, or a failure came before.
  std::optional<base::Side> finished_first() const { return finished_first_; }

 private:
  struct Direction {
    net::TcpStream& from;
    net::TcpStream& to;
    base::Side from_side;
    bool ended = false;
    std::uint64_t bytes = 0;
  };

  class Bulk;

  net::Task<void> pump(Direction& direction);
  // While there is much to move; true at the end of the stream, false when it may have become quiet.
  net::Task<base::Result<bool>> pump_bulk(Direction& direction);
  base::TimePoint deadline() const { return last_activity_ + idle_limit_; }
  bool is_idle_too_long() const;
  void moved(Direction& direction, std::size_t bytes);
  net::Task<void> end(Direction& direction);
  void fail(const base::Error& error);

  const RelayCounters* counters_;
  FirstByteObserver* observer_;  // until the first byte has come
  base::TimePoint last_from_client_{};
  base::Nanoseconds idle_limit_;
  base::TimePoint last_activity_{};
  std::optional<base::Error> failure_;
  std::optional<base::Side> finished_first_;
  net::TaskGroup directions_;
  Direction upward_;
  Direction downward_;
};

}  // namespace weir::relay
