// What happened lately, for GET /events.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <vector>

namespace weir::control {

struct Event {
  std::uint64_t number = 0;  // from 1, without gaps
  std::string type;          // "change", "health", "reload"; letters only
  std::string data;          // JSON on one line
};

// Keeps the last `limit` events. Control thread only.
class EventLog {
 public:
  explicit EventLog(std::size_t limit = 1024) : limit_(limit) {}

  // Adds the event and calls the listener, if there is one.
  void append(std::string type, std::string data);
  // Called after each event; whoever streams events sends then what after() returns. One listener.
  void on_append(std::function<void()> listener) { listener_ = std::move(listener); }

  // What came after `number` and is still kept. The first one's number tells whether something was missed.
  std::vector<Event> after(std::uint64_t number) const;
  std::uint64_t last_number() const { return next_number_ - 1; }

 private:
  std::size_t limit_;
  std::deque<Event> events_;
  std::uint64_t next_number_ = 1;
  std::function<void()> listener_;
};

// The event as a server-sent event (WHATWG HTML section 9.2), with its number as the id.
std::string to_sse(const Event& event);

}  // namespace weir::control
