// The common part of checkers: connecting within a deadline, and failures in words.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/ip.h"
#include "config/kinds.h"
#include "health/check_result.h"
#include "health/checker.h"
#include "net/task.h"
#include "net/tcp.h"

namespace weir::health {

// Connects, and sends the PROXY header that traffic has: what is said in it is that the probe comes from Weir itself
// (LOCAL; in version 1, which has no such command, the connection's own addresses).
net::Task<base::Result<net::TcpStream>> connect_to(const CheckTarget& target, base::TimePoint deadline);

// Makes TLS of a connected stream by the rules of the target's pool, offering only `protocols` (ALPN). `resumes`: see
// tls::ConnectOptions.
net::Task<Probed> make_secure(net::TcpStream& stream, const CheckTarget& target, std::vector<std::string> protocols,
                              base::TimePoint deadline, bool resumes = true);

// The backend's own host and port, as Host and :authority have them (RFC 3986 3.2.2: an IPv6 address in brackets).
std::string authority_of(const CheckTarget& target);

// The error in words: "connect: refused", "timeout after 2 s waiting for the response head". `doing` names the step
// ("connect"), `awaited` what a timeout was waiting for ("the connection").
std::unexpected<Failure> failed(const base::Error& error, std::string_view doing, std::string_view awaited,
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
