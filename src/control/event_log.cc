#include "control/event_log.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace weir::control {

void EventLog::append(std::string type, std::string data) {
  events_.push_back({next_number_++, std::move(type), std::move(data)});
  if (events_.size() > limit_) events_.pop_front();
  if (listener_) listener_();
}

std::vector<Event> EventLog::after(std::uint64_t number) const {
  auto first = std::ranges::upper_bound(events_, number, {}, &Event::number);
  return {first, events_.end()};
}

std::string to_sse(const Event& event) {
  return fmt::format("id: {}\nevent: {}\ndata: {}\n\n", event.number, event.type, event.data);
}

}  // namespace weir::control
