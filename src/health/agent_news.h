// Agents as others hear of them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "health/agent_words.h"
#include "pool/backend.h"

namespace weir::health {

// An agent's words have another effect now.
struct AgentNews {
  std::shared_ptr<pool::Backend> backend;
  AgentVerdict verdict;
  std::string why;  // the agent's line, or why its words hold no longer
};

// An agent as the API shows it.
struct AgentDetails {
  std::string words;  // its last line; empty: none, or forgotten
  AgentVerdict verdict;
  std::string error;            // why the last question had no good answer; empty: it had
  std::int64_t at_unix_ms = 0;  // of `words`, since 1970-01-01 UTC; 0: there are none
};

}  // namespace weir::health
