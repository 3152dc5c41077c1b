// Lines of agents: whatever they say, texts for people are printable, and bounds hold.
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "config/text_rules.h"
#include "health/agent_words.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir::health;
  std::string_view line(reinterpret_cast<const char*>(data), size);
  AgentWords words = AgentWords::read(line);
  WEIR_ASSERT(!words.percent || !words.weight);
  WEIR_ASSERT(words.weight.value_or(0) <= 1000 && words.percent.value_or(0) <= 100'000);
  AgentState state;
  state.hear(line, {});
  for (std::string_view text : {std::string_view(words.reason), std::string_view(words.unknown),
                                std::string_view(state.line()), std::string_view(state.error())}) {
    WEIR_ASSERT(!weir::config::has_control_bytes(text));
  }
  WEIR_ASSERT(!state.verdict().text().empty() && !state.hear(line, {}));
  return 0;
}
