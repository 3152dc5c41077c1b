// Passing an error up: what failed below fails here, unchanged. For functions that return a Result or any other
// std::expected with the same type of error.
//
//   WEIR_TRY(check(text));                                 returns the error, if there is one
//   WEIR_TRY_TO(TcpStream stream, open(address));          the same, and otherwise declares `stream`
//   WEIR_CO_TRY(co_await stream.write(bytes, deadline));   both in coroutines
//   WEIR_CO_TRY_TO(Reply reply, co_await ask(stream));
#pragma once

#include <expected>
#include <utility>

#define WEIR_TRY_JOINED(a, b) a##b
#define WEIR_TRY_NAMED(a, b) WEIR_TRY_JOINED(a, b)

#define WEIR_TRY_BY(returns, ...)                             \
  do {                                                        \
    auto weir_tried = (__VA_ARGS__);                          \
    if (!weir_tried.has_value()) [[unlikely]]                 \
      returns std::unexpected(std::move(weir_tried).error()); \
  } while (false)
#define WEIR_TRY_TO_BY(returns, tried, declaration, ...) \
  auto tried = (__VA_ARGS__);                            \
  if (!tried.has_value()) [[unlikely]]                   \
    returns std::unexpected(std::move(tried).error());   \
  declaration = *std::move(tried)

#define WEIR_TRY(...) WEIR_TRY_BY(return, __VA_ARGS__)
#define WEIR_CO_TRY(...) WEIR_TRY_BY(co_return, __VA_ARGS__)
#define WEIR_TRY_TO(declaration, ...) \
  WEIR_TRY_TO_BY(return, WEIR_TRY_NAMED(weir_tried_, __LINE__), declaration, __VA_ARGS__)
#define WEIR_CO_TRY_TO(declaration, ...) \
  WEIR_TRY_TO_BY(co_return, WEIR_TRY_NAMED(weir_tried_, __LINE__), declaration, __VA_ARGS__)
