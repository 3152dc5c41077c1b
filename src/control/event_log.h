// The last events, for GET /events.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace weir::control {

struct Event {
  std::uint64_t number = 0;  // from 1, without gaps
  std::string type;          // "change", "health", "reload"; letters only
  std::string data;          // a JSON object on one line, with the time
};

// Keeps the last `limit` events. Control thread only.
class EventLog {
 public:
  // Where a stream begins.
  struct Start {
    std::uint64_t after = 0;  // the number of the last event that the client has
    std::string gap;          // JSON on one line of what the client has missed for good; empty: nothing
  };

  explicit EventLog(std::size_t limit = 1024, std::int64_t (*unix_ms)() = base::unix_milliseconds)
      : limit_(limit), unix_ms_(unix_ms), run_(unix_ms()) {}

  // Adds the event and calls the listener, if there is one. `data` is a JSON object; the time is put in front of its
  // members.
  void append(std::string type, std::string_view data);
  // Called after each event; whoever streams events sends then what after() returns. One listener.
  void on_append(std::function<void()> listener) { listener_ = std::move(listener); }

  // The events after `number` that are still kept. The first one's number tells whether something was missed.
  std::vector<Event> after(std::uint64_t number) const;
  std::uint64_t last_number() const { return next_number_ - 1; }
  // Where a client goes on that has seen the event with this id, or begins when the id is empty. Nothing for what is no
  // id.
  std::optional<Start> start_after(std::string_view id) const;
  // The event as a server-sent event (WHATWG HTML section 9.2). Its id names the run of Weir besides the number, so
  // that numbers of an earlier run are told apart.
  std::string to_sse(const Event& event) const;
  // The beginning of a stream: a "gap" event where the client has missed something, or nothing.
  std::string opening(const Start& start) const;

 private:
  std::string gap_json(std::string_view reason, std::uint64_t missed) const;

  std::size_t limit_;
  std::int64_t (*unix_ms_)();
  std::int64_t run_;  // when it began: differs between runs
  std::deque<Event> events_;
  std::uint64_t next_number_ = 1;
  std::function<void()> listener_;
};

// "object":"backend","id":"site/web-1": the members by which every event names what it is about.
std::string event_object(std::string_view kind, std::string_view id);

}  // namespace weir::control
