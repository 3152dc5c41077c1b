// How work for a client ended, in one word: the same in the access log, the metrics and the documentation, for
// requests, TCP connections and UDP flows.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "tls/words.h"

namespace weir::worker {

enum class Termination : std::uint8_t {
#define WEIR_TERMINATION(word, side, grpc, meaning) word,
#include "worker/terminations.def"
#undef WEIR_TERMINATION
};

// On whose side the cause lies.
enum class TerminationSide : std::uint8_t { none, client, backend, ours };

struct TerminationEntry {
  static constexpr std::uint8_t by_http = UINT8_MAX;
  std::string_view word;
  TerminationSide side;
  std::uint8_t grpc_status;  // of an answer of Weir's own that ends so; by_http: its HTTP status decides
};
// Indexed by Termination.
inline constexpr auto kTerminations = [] {
  using enum TerminationSide;
  constexpr std::uint8_t by_http = TerminationEntry::by_http;
  return std::to_array<TerminationEntry>({
#define WEIR_TERMINATION(word, side, grpc, meaning) {#word, side, grpc},
#include "worker/terminations.def"
#undef WEIR_TERMINATION
  });
}();

constexpr std::string_view name(Termination how) { return kTerminations[static_cast<std::size_t>(how)].word; }

// The word for work that ended in `error`. Of work that was cancelled the side says by whom: a client that left, a
// backend whose time to drain was over, or Weir.
Termination termination(const base::Error& error);

// Details that several places give.
inline constexpr const char* kListenerDrained =
    "drain_timeout has passed since the listener closed or Weir began to stop";
inline constexpr const char* kBackendDrained = "the backend's drain_timeout has passed";
inline constexpr const char* kClientTookNothing = "the client took no bytes within timeouts.body";

// `error`, which names the key of the deadline if it says that one of ours has passed: `what` is "nothing came within
// timeouts.body" and the like.
inline base::Error naming_timeout(base::Error error, const char* what) {
  if (error.code == base::ErrorCode::timeout && error.os_error == 0) error.what = what;
  return error;
}
// The same for an error of getting a connection to a backend.
inline base::Error naming_connect_timeout(const base::Error& error) {
  if (error.what == tls::kNoAnswer) return error;
  return naming_timeout(error, error.side == base::Side::ours
                                   ? "no connection to the backend was free within timeouts.queue"
                                   : "no connection to the backend within timeouts.connect");
}

}  // namespace weir::worker
