// What checkers share: connecting within a deadline, and saying in words what failed.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "base/ip.h"
#include "config/kinds.h"
#include "health/check_result.h"
#include "health/checker.h"
#include "net/task.h"
#include "net/tcp.h"

namespace weir::health {

// Connects to the first of `addresses` that takes a connection, trying them in turn; each gets an equal share of the
// time that is left, so one that never answers does not hide the next. The error of the last one otherwise. The
// addresses stay valid until the task has ended.
net::Task<base::Result<net::TcpStream>> connect_to_any(std::span<const base::SocketAddress> addresses,
                                                       base::TimePoint deadline);

// Makes TLS of a connected stream by the rules of the target's pool, offering only `protocol` (ALPN). What failed, in
// words; empty when nothing did.
net::Task<std::string> make_secure(net::TcpStream& stream, const CheckTarget& target, std::string_view protocol,
                                   base::TimePoint deadline);

// "connect: refused", "timeout after 2 s waiting for the response head": `doing` names the step ("connect"),
// `awaited` what a timeout was waiting for ("the connection").
std::string describe_failure(const base::Error& error, std::string_view doing, std::string_view awaited,
                             base::Nanoseconds timeout);

// The option as `choice` has it, or else the default of its declaration: a pool that says nothing about its checker has
// no options at all.
template <typename T>
const T& option_or_default(const config::Choice& choice, std::span<const config::OptionSpec> specs,
                           std::string_view key) {
  auto given = choice.options.find(std::string(key));
  if (given != choice.options.end()) return std::get<T>(given->second);
  for (const config::OptionSpec& spec : specs) {
    if (spec.key == key) return std::get<T>(spec.default_value);
  }
  WEIR_ASSERT(!"the option is declared");
  __builtin_unreachable();
}

}  // namespace weir::health
