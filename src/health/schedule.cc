#include "health/schedule.h"

#include <algorithm>

#include "base/assert.h"
#include "base/hash.h"

namespace weir::health {

void Schedule::add(Id id, std::uint64_t identity, const Cadence& cadence, base::TimePoint first) {
  WEIR_ASSERT(cadence.interval.count() > 0);
  if (id >= entries_.size()) entries_.resize(id + 1);
  Entry& entry = entries_[id];
  WEIR_ASSERT(entry.position == kNotWaiting && !entry.in_flight);
  entry = Entry{.due = first, .cadence = cadence, .identity = identity};
  push(id);
}

void Schedule::set_cadence(Id id, const Cadence& cadence, base::TimePoint now) {
  WEIR_ASSERT(cadence.interval.count() > 0);
  Entry& entry = entries_[id];
  if (entry.cadence == cadence) return;
  entry.cadence = cadence;
  if (entry.in_flight || entry.due - now <= cadence.interval) return;
  take_out(id);
  entry.due = on_grid(entry, now);
  push(id);
}

void Schedule::remove(Id id) {
  Entry& entry = entries_[id];
  if (entry.in_flight) {
    entry.in_flight = false;
    --in_flight_;
  } else {
    take_out(id);
  }
}

std::optional<Schedule::Id> Schedule::start(base::TimePoint now) {
  if (in_flight_ >= max_in_flight_ || heap_.empty()) return std::nullopt;
  Id id = heap_.front();
  if (entries_[id].due > now) return std::nullopt;
  take_out(id);
  entries_[id].in_flight = true;
  entries_[id].due = now;
  ++in_flight_;
  return id;
}

void Schedule::finish(Id id, base::TimePoint now, Pace pace) {
  Entry& entry = entries_[id];
  WEIR_ASSERT(entry.in_flight);
  entry.in_flight = false;
  --in_flight_;
  // Half an interval keeps the probes on both sides of a return to the grid apart.
  base::TimePoint earliest = std::max(entry.due + entry.cadence.interval / 2, now);
  entry.due = pace == Pace::fast ? soon(entry, now) : on_grid(entry, earliest);
  push(id);
}

void Schedule::hurry(Id id, base::TimePoint now) {
  Entry& entry = entries_[id];
  if (entry.in_flight) return;
  base::TimePoint due = soon(entry, now);
  if (due >= entry.due) return;
  entry.due = due;
  rise(entry.position);
}

std::optional<base::TimePoint> Schedule::next_due() const {
  if (in_flight_ >= max_in_flight_ || heap_.empty()) return std::nullopt;
  return entries_[heap_.front()].due;
}

// The first point of the entry's grid that is not before `earliest`, moved by jitter.
base::TimePoint Schedule::on_grid(const Entry& entry, base::TimePoint earliest) {
  std::int64_t interval = entry.cadence.interval.count();
  auto phase = static_cast<std::int64_t>(base::mix(entry.identity) % static_cast<std::uint64_t>(interval));
  std::int64_t point = earliest.time_since_epoch().count();
  std::int64_t past = (point - phase) % interval;  // how far behind is the last grid point
  if (past < 0) past += interval;
  if (past > 0) point += interval - past;
  return base::TimePoint(base::Nanoseconds(point)) + jitter_of(entry.cadence, entry.cadence.interval);
}

base::TimePoint Schedule::soon(const Entry& entry, base::TimePoint now) {
  base::Nanoseconds fast = std::clamp(entry.cadence.fast_interval, base::Nanoseconds(1), entry.cadence.interval);
  return now + fast + jitter_of(entry.cadence, fast);
}

base::Nanoseconds Schedule::jitter_of(const Cadence& cadence, base::Nanoseconds interval) {
  double share = std::clamp(cadence.jitter, 0.0, 0.5) * (random_.unit() - 0.5);
  return base::Nanoseconds(static_cast<std::int64_t>(share * static_cast<double>(interval.count())));
}

void Schedule::push(Id id) {
  heap_.push_back(id);
  entries_[id].position = static_cast<std::uint32_t>(heap_.size() - 1);
  rise(entries_[id].position);
}

void Schedule::take_out(Id id) {
  std::uint32_t position = entries_[id].position;
  WEIR_ASSERT(position != kNotWaiting);
  entries_[id].position = kNotWaiting;
  Id last = heap_.back();
  heap_.pop_back();
  if (last == id) return;
  place(position, last);
  rise(position);
  sink(entries_[last].position);
}

void Schedule::place(std::uint32_t position, Id id) {
  heap_[position] = id;
  entries_[id].position = position;
}

void Schedule::rise(std::uint32_t position) {
  Id id = heap_[position];
  while (position > 0) {
    std::uint32_t parent = (position - 1) / 2;
    if (entries_[heap_[parent]].due <= entries_[id].due) break;
    place(position, heap_[parent]);
    position = parent;
  }
  place(position, id);
}

void Schedule::sink(std::uint32_t position) {
  Id id = heap_[position];
  auto size = static_cast<std::uint32_t>(heap_.size());
  for (std::uint32_t child = 2 * position + 1; child < size; child = 2 * position + 1) {
    if (child + 1 < size && entries_[heap_[child + 1]].due < entries_[heap_[child]].due) ++child;
    if (entries_[id].due <= entries_[heap_[child]].due) break;
    place(position, heap_[child]);
    position = child;
  }
  place(position, id);
}

}  // namespace weir::health
