#include "control/event_log.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "base/text.h"
#include "control/time_text.h"

namespace weir::control {

void EventLog::append(std::string type, std::string_view data) {
  std::string timed = fmt::format(R"({{"time":"{}"{}{})", time_text(unix_ms_()), data == "{}" ? "" : ",",
                                  data.substr(std::min<std::size_t>(1, data.size())));
  events_.push_back({next_number_++, std::move(type), std::move(timed)});
  if (events_.size() > limit_) events_.pop_front();
  if (listener_) listener_();
}

std::vector<Event> EventLog::after(std::uint64_t number) const {
  auto first = std::ranges::upper_bound(events_, number, {}, &Event::number);
  return {first, events_.end()};
}

std::optional<EventLog::Start> EventLog::start_after(std::string_view id) const {
  if (id.empty()) return Start{.after = last_number(), .gap = {}};
  auto dash = id.find('-');
  auto run = base::parse_unsigned(id.substr(0, dash));
  auto number = dash == std::string_view::npos ? std::nullopt : base::parse_unsigned(id.substr(dash + 1));
  if (!run || !number) return std::nullopt;
  std::uint64_t first = events_.empty() ? next_number_ : events_.front().number;
  bool of_this_run = std::cmp_equal(*run, run_) && *number <= last_number();
  if (!of_this_run) return Start{.after = first - 1, .gap = gap_json("restart", first - 1)};
  if (*number + 1 < first) return Start{.after = first - 1, .gap = gap_json("too_old", first - 1 - *number)};
  return Start{.after = *number, .gap = {}};
}

// How many were missed is known only of this run.
std::string EventLog::gap_json(std::string_view reason, std::uint64_t missed) const {
  return fmt::format(R"({{"time":"{}","reason":"{}","missed":{}}})", time_text(unix_ms_()), reason,
                     reason == "restart" ? "null" : fmt::to_string(missed));
}

std::string EventLog::to_sse(const Event& event) const {
  return fmt::format("id: {}-{}\nevent: {}\ndata: {}\n\n", run_, event.number, event.type, event.data);
}

std::string EventLog::opening(const Start& start) const {
  if (start.gap.empty()) return {};
  return to_sse({.number = start.after, .type = "gap", .data = start.gap});
}

std::string event_object(std::string_view kind, std::string_view id) {
  std::string json = fmt::format(R"("object":"{}","id":")", kind);
  base::append_json_escaped(json, id);
  return json + '"';
}

}  // namespace weir::control
