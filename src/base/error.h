// The two forms in which anything that can fail says so. On the data path it returns Result<T>: an Error is small and
// trivially copyable, and making one never allocates. Readers of what people wrote return
// Checked<T>.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <type_traits>

namespace weir::base {

// The kind of failure, in the terms that decide what happens next.
enum class ErrorCode : std::uint8_t {
  closed,       // the peer ended the stream in an orderly way, where more was needed
  reset,        // the connection was reset or broke
  refused,      // nobody listens there
  unreachable,  // no route, or the network said no
  timeout,      // a deadline passed
  cancelled,    // whoever owns this work no longer wants it
  protocol,     // the peer broke its protocol
  too_large,    // a limit on size or count was passed
  not_found,    // a name that does not resolve, an object that does not exist
  no_backend,   // nothing is eligible
  queue_full,   // a bounded queue has no room
  exhausted,    // descriptors, memory or ports ran out
  io,           // any other failure of the operating system
};

// On whose side the fault lies.
enum class Side : std::uint8_t { client, backend, ours };

struct [[nodiscard]] Error {
  ErrorCode code = ErrorCode::io;
  Side side = Side::ours;
  bool retry_helps = false;  // true only when the same work may be tried again elsewhere without doing it twice
  int os_error = 0;          // errno where the system reported one
  const char* what = "";     // static text: what was being done, or which rule was broken

  Error on(Side where) const {
    Error copy = *this;
    copy.side = where;
    return copy;
  }
};
static_assert(std::is_trivially_copyable_v<Error>);

template <typename T>
using Result = std::expected<T, Error>;

// The error is a text for people that quotes what they wrote.
template <typename T>
using Checked = std::expected<T, std::string>;

inline std::unexpected<Error> fail(ErrorCode code, const char* what, int os_error = 0) {
  return std::unexpected(Error{.code = code, .os_error = os_error, .what = what});
}

const char* name(ErrorCode code);
const char* name(Side side);

// The ErrorCode that errno stands for: ECONNREFUSED is refused, EMFILE exhausted, and so on; io for the rest.
ErrorCode code_of_errno(int os_error);
inline std::unexpected<Error> fail_errno(int os_error, const char* what) {
  return fail(code_of_errno(os_error), what, os_error);
}

// One line for a log: "connect: refused (backend): Connection refused".
std::string describe(const Error& error);
// Why it failed, for people who are told side and code elsewhere: `what`, with the system's own words where there are
// any: "connect: Connection refused".
std::string cause(const Error& error);

}  // namespace weir::base
