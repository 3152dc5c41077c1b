// Assertions of our own invariants, kept in every build. Untrusted input never reaches one: it is an Error.
#pragma once

namespace weir::base {

// Prints the broken invariant with its place to stderr and aborts.
[[noreturn]] void assertion_failed(const char* condition, const char* file, int line);

}  // namespace weir::base

#define WEIR_ASSERT(condition)                                \
  (__builtin_expect(static_cast<bool>(condition), 1) ? void() \
                                                     : ::weir::base::assertion_failed(#condition, __FILE__, __LINE__))
