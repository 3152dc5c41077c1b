#include <algorithm>

#include "http/chars.h"
#include "http/h1_codec.h"
#include "http/h1_fields.h"

namespace weir::http {
namespace {

// Sixteen digits, and CR. Longer size lines count against kMaxExtensionExcess.
constexpr std::uint16_t kUsualSizeLineBytes = 17;

bool is_blank(char c) { return c == ' ' || c == '\t'; }

}  // namespace

ChunkedDecoder::Step ChunkedDecoder::next(std::string_view input) {
  if (error_ != nullptr) return {.error = error_};
  for (std::size_t at = 0; at < input.size();) {
    switch (state_) {
      case State::size:
      case State::before_extension:
      case State::extension:
      case State::size_lf:
        if (const char* what = take_size_line_byte(input[at])) return fail(what);
        ++at;
        break;
      case State::data: {
        const std::size_t run = std::min<std::uint64_t>(left_, input.size() - at);
        left_ -= run;
        data_bytes_ += run;
        if (left_ == 0) state_ = State::data_cr;
        return {.consumed = at + run, .data = input.substr(at, run)};
      }
      case State::data_cr:
        if (input[at++] != '\r') return fail("chunk is longer than its size (RFC 9112 7.1)");
        state_ = State::data_lf;
        break;
      case State::data_lf:
        if (input[at++] != '\n') return fail("bare CR behind a chunk (RFC 9112 7.1)");
        line_bytes_ = 0;
        state_ = State::size;
        break;
      case State::trailers:
        return read_trailers(input, at);
      case State::done:
        return {.consumed = at, .done = true};
    }
  }
  return {.consumed = input.size(), .done = state_ == State::done};
}

const char* ChunkedDecoder::take_size_line_byte(char c) {
  if (++line_bytes_ > kMaxSizeLineBytes) return "chunk size line is too long";
  if (line_bytes_ > kUsualSizeLineBytes && ++excess_bytes_ > kMaxExtensionExcess + data_bytes_) {
    return "chunk extensions are larger than the body";
  }
  if (state_ == State::size_lf) {
    state_ = left_ == 0 ? State::trailers : State::data;
    return c == '\n' ? nullptr : "bare CR in a chunk size line (RFC 9112 7.1)";
  }
  if (state_ == State::extension) return take_extension_byte(c);
  if (state_ == State::size) {
    if (const int digit = hex_value(c); digit >= 0) {
      if (left_ > static_cast<std::uint64_t>(INT64_MAX) >> 4) return "chunk size is too large (RFC 9112 7.1)";
      left_ = left_ << 4 | static_cast<unsigned>(digit);
      return nullptr;
    }
    if (line_bytes_ == 1) return "chunk size is not a hexadecimal number (RFC 9112 7.1)";
    if (c == '\r') {
      state_ = State::size_lf;
      return nullptr;
    }
  }
  if (c == ';') {
    state_ = State::extension;
    extension_ = Extension::before_name;
    return nullptr;
  }
  if (is_blank(c)) {
    state_ = State::before_extension;
    return nullptr;
  }
  return c == '\n' ? "bare LF in a chunk size line (RFC 9112 7.1)"
                   : "chunk size is followed by neither CRLF nor an extension (RFC 9112 7.1)";
}

// chunk-ext = *( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] ) (RFC 9112 7.1.1)
const char* ChunkedDecoder::take_extension_byte(char c) {
  using enum Extension;
  constexpr const char* kMalformed = "malformed chunk extension (RFC 9112 7.1.1)";
  const bool token = is_char(c, kTokenChar);
  switch (extension_) {
    case before_name:
      if (token) extension_ = name;
      return token || is_blank(c) ? nullptr : kMalformed;
    case before_value:
      if (c == '"') extension_ = quoted;
      if (token) extension_ = value;
      return token || c == '"' || is_blank(c) ? nullptr : kMalformed;
    case quoted:
      if (c == '"') extension_ = after_quoted;
      if (c == '\\') extension_ = escape;
      return is_char(c, kFieldChar) ? nullptr : kMalformed;
    case escape:
      extension_ = quoted;
      return is_char(c, kFieldChar) ? nullptr : kMalformed;
    case name:
    case value:
      if (token) return nullptr;
      break;
    case after_name:
    case after_quoted:
    case after_value:
      break;
  }
  // Behind a name or a value.
  const bool named = extension_ == name || extension_ == after_name;
  if (c == ';') {
    extension_ = before_name;
  } else if (c == '=' && named) {
    extension_ = before_value;
  } else if (is_blank(c)) {
    extension_ = named ? after_name : after_value;
  } else if (c == '\r' && extension_ != after_name && extension_ != after_value) {
    state_ = State::size_lf;
  } else {
    return kMalformed;
  }
  return nullptr;
}

// Gathers trailer bytes until the empty line; a line that is not complete yet is read again with the next bytes.
ChunkedDecoder::Step ChunkedDecoder::read_trailers(std::string_view input, std::size_t consumed) {
  input.remove_prefix(consumed);
  if (trailers_.empty() && input.starts_with("\r\n")) {
    state_ = State::done;
    return {.consumed = consumed + 2, .done = true};
  }
  const std::size_t before = trailers_.size();
  const std::size_t taken = std::min(input.size(), kMaxTrailerBytes - before);
  trailers_.append(input.substr(0, taken));
  HeaderField field;
  const char* what = nullptr;
  for (;;) {
    const char* at = trailers_.data() + trailer_line_;
    switch (read_field_line(at, trailers_.data() + trailers_.size(), false, field, what)) {
      case FieldLine::field:
        if (++trailer_fields_ > kMaxTrailerFields) return fail("too many trailer fields");
        trailer_line_ = static_cast<std::uint32_t>(at - trailers_.data());
        break;
      case FieldLine::end:
        consumed += static_cast<std::size_t>(at - trailers_.data()) - before;
        trailers_.resize(trailer_line_);
        state_ = State::done;
        return {.consumed = consumed, .done = true};
      case FieldLine::incomplete:
        if (trailers_.size() == kMaxTrailerBytes) return fail("trailer section is too large");
        return {.consumed = consumed + taken};
      case FieldLine::broken:
        return fail(what);
    }
  }
}

void ChunkedDecoder::trailer_fields(HeaderMap& fields) const {
  HeaderField field;
  const char* what = nullptr;
  const char* at = trailers_.data();
  const char* end = at + trailers_.size();
  while (read_field_line(at, end, false, field, what) == FieldLine::field) fields.add(field);
}

void ChunkedDecoder::reset() {
  state_ = State::size;
  extension_ = Extension::before_name;
  line_bytes_ = trailer_fields_ = 0;
  trailer_line_ = 0;
  left_ = excess_bytes_ = data_bytes_ = 0;
  error_ = nullptr;
  trailers_.clear();
}

ChunkedDecoder::Step ChunkedDecoder::fail(const char* what) {
  error_ = what;
  return {.error = what};
}

}  // namespace weir::http
