// When each backend is probed next: evenly spread, bounded in number, without drift.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/random.h"

namespace weir::health {

// How often one entry is due.
struct Cadence {
  base::Nanoseconds interval{std::chrono::seconds(5)};       // > 0
  base::Nanoseconds fast_interval{std::chrono::seconds(1)};  // while its state is changing; never above interval
  double jitter = 0.1;  // share of the interval by which a time is moved, half of it either way; 0..0.5
  friend bool operator==(const Cadence&, const Cadence&) = default;
};

enum class Pace : std::uint8_t { normal, fast };

// Entries are due on a grid of their own: multiples of the interval plus a phase that comes from a hash of their
// identity. So 10,000 entries spread evenly, an entry that comes or goes moves no other, and a late probe does not
// shift the ones after it: grid points that were missed are skipped. At the fast pace the next time is a fast interval
// after the end of the last probe; going back to the normal pace returns to the grid.
//
// An indexed binary heap: O(log n) for everything but next_due(), O(1). Allocates only when it grows. Pure: time is an
// argument. Not thread-safe.
class Schedule {
 public:
  // A small dense number chosen by the caller, free to be used again after remove().
  using Id = std::uint32_t;

  Schedule(std::size_t max_in_flight, std::uint64_t seed) : max_in_flight_(max_in_flight), random_(seed) {}

  // A new entry, due first at `first`. `identity` is a hash of what the entry stands for.
  void add(Id id, std::uint64_t identity, const Cadence& cadence, base::TimePoint first);
  // Holds from the next time that is computed; an entry that waits for a time further off than the new interval is
  // moved to its new grid.
  void set_cadence(Id id, const Cadence& cadence, base::TimePoint now);
  // Also while it is in flight; finish() must not follow then.
  void remove(Id id);

  // The next entry that is due, if there is one and fewer than max_in_flight are under way; it is in flight from then
  // on. The most overdue comes first.
  std::optional<Id> start(base::TimePoint now);
  // The entry's probe has ended.
  void finish(Id id, base::TimePoint now, Pace pace);
  // Due within the fast interval, if it was not before. Nothing for an entry in flight.
  void hurry(Id id, base::TimePoint now);

  // When start() can next give something, if nothing changes before; nothing when the schedule is empty or full.
  std::optional<base::TimePoint> next_due() const;
  std::size_t in_flight() const { return in_flight_; }
  std::size_t size() const { return heap_.size() + in_flight_; }

 private:
  static constexpr std::uint32_t kNotWaiting = UINT32_MAX;
  struct Entry {
    base::TimePoint due{};  // while in flight: when it was started
    Cadence cadence;
    std::uint64_t identity = 0;
    std::uint32_t position = kNotWaiting;  // in heap_
    bool in_flight = false;
  };

  base::TimePoint on_grid(const Entry& entry, base::TimePoint earliest);
  base::TimePoint soon(const Entry& entry, base::TimePoint now);
  base::Nanoseconds jitter_of(const Cadence& cadence, base::Nanoseconds interval);
  void push(Id id);
  void take_out(Id id);
  void place(std::uint32_t position, Id id);
  void rise(std::uint32_t position);
  void sink(std::uint32_t position);

  std::size_t max_in_flight_;
  base::Random random_;
  std::vector<Entry> entries_;  // by id
  std::vector<Id> heap_;        // waiting entries, the earliest first
  std::size_t in_flight_ = 0;
};

}  // namespace weir::health
