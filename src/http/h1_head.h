// The common part of parsing request and response headers.
#pragma once

#include <algorithm>
#include <string_view>

#include "http/framing.h"
#include "http/h1_codec.h"
#include "http/h1_fields.h"
#include "http/h1_start_line.h"

namespace weir::http {

inline Parsed refused(const char* what, std::uint16_t status) {
  return {.state = Parsed::State::invalid, .status = status, .what = what};
}

// Reads the field lines at `at` up to the empty line into `head`. Anything but complete is the verdict on the head.
template <typename Head>
Parsed read_fields(const char*& at, const char* end, const HeadLimits& limits, Head& head, FramingFields& framing) {
  constexpr bool kOfRequest = std::is_same_v<Head, RequestHead>;
  HeaderField field;
  const char* what = nullptr;
  for (std::size_t count = 0;; ++count) {
    switch (read_field_line<!kOfRequest>(at, end, count == 0, field, what)) {
      case FieldLine::field:
        break;
      case FieldLine::end:
        return {.state = Parsed::State::complete};
      case FieldLine::incomplete:
        return {};
      case FieldLine::broken:
        return refused(what, 400);
    }
    if (count == limits.header_count) return refused("too many fields", 431);
    head.headers.add(field);
    if (FramingFields::concerns(field.id)) {
      if (Broken broken = framing.take(field, head.version, kOfRequest)) return refused(broken.what, broken.status);
    }
  }
}

}  // namespace weir::http
