#include "base/error.h"

#include <cerrno>
#include <cstring>
#include <fmt/format.h>

namespace weir::base {

const char* name(ErrorCode code) {
  switch (code) {
    case ErrorCode::closed:
      return "closed";
    case ErrorCode::reset:
      return "reset";
    case ErrorCode::refused:
      return "refused";
    case ErrorCode::unreachable:
      return "unreachable";
    case ErrorCode::timeout:
      return "timeout";
    case ErrorCode::cancelled:
      return "cancelled";
    case ErrorCode::protocol:
      return "protocol";
    case ErrorCode::too_large:
      return "too_large";
    case ErrorCode::not_found:
      return "not_found";
    case ErrorCode::no_backend:
      return "no_backend";
    case ErrorCode::queue_full:
      return "queue_full";
    case ErrorCode::exhausted:
      return "exhausted";
    case ErrorCode::io:
      return "io";
  }
  return "?";
}

const char* name(Side side) {
  switch (side) {
    case Side::client:
      return "client";
    case Side::backend:
      return "backend";
    case Side::ours:
      return "ours";
  }
  return "?";
}

ErrorCode code_of_errno(int os_error) {
  switch (os_error) {
    case ECONNREFUSED:
      return ErrorCode::refused;
    case ECONNRESET:
    case EPIPE:
    case ENOTCONN:
    case ESHUTDOWN:
    case ECONNABORTED:
      return ErrorCode::reset;
    case ETIMEDOUT:
      return ErrorCode::timeout;
    case EHOSTUNREACH:
    case ENETUNREACH:
    case ENETDOWN:
    case EHOSTDOWN:
    case EPERM:
    case EACCES:
      return ErrorCode::unreachable;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOBUFS:
    case EADDRNOTAVAIL:
      return ErrorCode::exhausted;
    case ECANCELED:
      return ErrorCode::cancelled;
    case ENOENT:
      return ErrorCode::not_found;
    default:
      return ErrorCode::io;
  }
}

std::string cause(const Error& error) {
  if (error.os_error == 0) return error.what;
  return fmt::format("{}: {}", error.what, std::strerror(error.os_error));
}

std::string describe(const Error& error) {
  std::string text = fmt::format("{}: {} ({})", error.what, name(error.code), name(error.side));
  if (error.os_error != 0) text += fmt::format(": {}", std::strerror(error.os_error));
  return text;
}

}  // namespace weir::base
