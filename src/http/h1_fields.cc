#include "http/h1_fields.h"

namespace weir::http {

const char* broken_field_name(char c, std::size_t length, bool first_line) {
  switch (c) {
    case '\n':
      return "bare LF in a field line (RFC 9112 2.2)";
    case '\0':
      return "NUL in a field name (RFC 9110 5.1)";
    case '\r':
      return "field line without a colon (RFC 9112 5)";
    case ':':
      return "empty field name (RFC 9112 5)";
    case ' ':
    case '\t':
      if (length != 0) return "white space between field name and colon (RFC 9112 5.1)";
      return first_line ? "white space before the first field (RFC 9112 2.2)" : "obsolete line folding (RFC 9112 5.2)";
    default:
      return "field name is not a token (RFC 9110 5.1)";
  }
}

const char* broken_field_value(char c) {
  if (c == '\n') return "bare LF in a field value (RFC 9112 2.2)";
  return c == '\0' ? "NUL in a field value (RFC 9110 5.5)" : "control byte in a field value (RFC 9110 5.5)";
}

}  // namespace weir::http
