// The words of agents: programs beside backends that say how much work they want. The protocol is that of HAProxy's
// agent-check (its configuration manual, "agent-check").
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace weir::health {

// One line of an agent. Words that it leaves out change nothing.
struct AgentWords {
  enum class Admin : std::uint8_t { ready, drain, maint };
  enum class Service : std::uint8_t { up, down, fail, stopped };
  std::optional<std::uint32_t> percent;          // "75%", "weight:75%": of the configured weight
  std::optional<std::uint32_t> weight;           // "weight:5": in place of it
  std::optional<std::uint32_t> max_connections;  // "maxconn:30"; 0 is without limit
  std::optional<Admin> admin;
  std::optional<Service> service;
  std::string reason;   // behind '#', of `service`
  std::string unknown;  // the first word that is none of these; empty: all were understood

  // Words are separated by blanks, tabs and commas; letters may be upper case. Of a kind that comes twice the last one
  // counts. A '#' begins the reason, which goes on to the end of the line.
  static AgentWords read(std::string_view line);
};

// The effect of all words of an agent that hold.
struct AgentVerdict {
  std::optional<std::uint32_t> percent{};
  std::optional<std::uint32_t> weight{};
  std::optional<std::uint32_t> max_connections{};
  AgentWords::Admin admin = AgentWords::Admin::ready;
  AgentWords::Service service = AgentWords::Service::up;
  std::string reason{};  // of `service`, where that is not up

  // No new work: by the word, or by a weight of nothing.
  bool drains() const { return admin == AgentWords::Admin::drain || percent == 0u || weight == 0u; }
  bool is_down() const { return service != AgentWords::Service::up; }
  // In one word: "maint", "drain", "down" or "ready", the strongest of those that hold.
  std::string_view state_name() const;
  // "drain, 50%, down: disk full", for people; "ready" when nothing differs from the configuration.
  std::string text() const;
  friend bool operator==(const AgentVerdict&, const AgentVerdict&) = default;
};

// The words of one agent. Only its own words take its words back, or its silence does. Pure: time is an argument.
class AgentState {
 public:
  // It said `line`. Whether the verdict is another now.
  bool hear(std::string_view line, base::TimePoint now);
  // It did not answer, for that reason. The verdict is forgotten after `ttl` without a word; true when it was.
  bool miss(std::string why, base::Nanoseconds ttl, base::TimePoint now);

  const AgentVerdict& verdict() const { return verdict_; }
  // The last line; empty before the first one, and again when it is forgotten.
  const std::string& line() const { return line_; }
  std::optional<base::TimePoint> heard_at() const { return heard_at_; }
  // Why the last question had no answer, or which word of it is none; empty: all is well.
  const std::string& error() const { return error_; }

 private:
  AgentVerdict verdict_;
  std::string line_;
  std::optional<base::TimePoint> heard_at_;
  std::string error_;
};

}  // namespace weir::health
