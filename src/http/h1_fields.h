// Field lines of HTTP/1: heads of both kinds and trailers (RFC 9112 5).
#pragma once

#include <cstdint>

#include "http/chars.h"
#include "http/header_lookup.h"
#include "http/message.h"

namespace weir::http {

enum class FieldLine : std::uint8_t { field, end, incomplete, broken };

// Which rule is broken by the byte `c` that ended a field name of `length` bytes and is no colon.
const char* broken_field_name(char c, std::size_t length, bool first_line);
// Which rule is broken by the byte `c` in a field value, and is no CR.
const char* broken_field_value(char c);

// Reads one line at `at`: a field, or the empty line that ends them. Moves `at` behind it. `what` is set if broken.
// Decides from left to right, so that more bytes never change a verdict. White space in front of a colon is removed
// from a response and breaks anything else (RFC 9112 5.1).
template <bool kOfResponse = false>
[[gnu::always_inline]] inline FieldLine read_field_line(const char*& at, const char* end, bool first_line,
                                                        HeaderField& field, const char*& what) {
  if (at == end) return FieldLine::incomplete;
  if (*at == '\r') {
    if (end - at < 2) return FieldLine::incomplete;
    what = "bare CR in place of a field line (RFC 9112 2.2)";
    if (at[1] != '\n') return FieldLine::broken;
    at += 2;
    return FieldLine::end;
  }
  const char* name_end = scan_token(at, end);
  if (name_end == end) return FieldLine::incomplete;
  const auto name_size = static_cast<std::size_t>(name_end - at);
  const char* colon = name_end;
  if (*name_end != ':' || name_size == 0) [[unlikely]] {
    if (kOfResponse && name_size != 0) {
      while (colon < end && (*colon == ' ' || *colon == '\t')) ++colon;
      if (colon == end) return FieldLine::incomplete;
    }
    if (*colon != ':' || name_size == 0) {
      what = broken_field_name(*name_end, name_size, first_line);
      return FieldLine::broken;
    }
  }
  const char* value = colon + 1;
  while (value < end && (*value == ' ' || *value == '\t')) ++value;
  const char* line_end = scan_field_value(value, end);
  if (line_end == end) return FieldLine::incomplete;
  if (*line_end != '\r') [[unlikely]] {
    what = broken_field_value(*line_end);
    return FieldLine::broken;
  }
  if (end - line_end < 2) return FieldLine::incomplete;
  if (line_end[1] != '\n') [[unlikely]] {
    what = "bare CR in a field value (RFC 9112 2.2)";
    return FieldLine::broken;
  }
  const char* value_end = line_end;
  while (value_end > value && (value_end[-1] == ' ' || value_end[-1] == '\t')) --value_end;
  field.name = {at, name_size};
  field.value = {value, static_cast<std::size_t>(value_end - value)};
  field.id = lookup::find(at, name_size);
  at = line_end + 2;
  return FieldLine::field;
}

}  // namespace weir::http
