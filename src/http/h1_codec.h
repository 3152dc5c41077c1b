// HTTP/1.0 and 1.1 on the wire, both ways: strict by RFC 9112, no I/O.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "http/message.h"

namespace weir::http {

struct HeadLimits {
  std::uint32_t start_line_bytes = 8 * 1024;  // with its CRLF
  std::uint32_t head_bytes = 16 * 1024;       // from the first byte to the empty line, both included
  std::uint32_t header_count = 100;
};

// Options that one message's Connection fields may hold; more are refused (431, or 502 for a response).
inline constexpr std::size_t kMaxConnectionOptions = 32;

// Parses the head at the start of `bytes` into `head`, whose views point into `bytes`. Call again with more bytes while
// incomplete. Of a head that is incomplete or invalid, `head` has what was read of it, for the log only. A rule broken
// in the bytes so far is told at once, and more bytes never change a verdict. Refuses everything that two parsers could
// read differently: the list is in h1_request.cc. One leading empty line is skipped (RFC 9112 2.2). Under 200 ns for a
// usual browser's head.
Parsed parse_request_head(std::string_view bytes, const HeadLimits& limits, RequestHead& head);

// The same for the response to a request with `request_method`, which decides with the status how the body ends (RFC
// 9112 6.3). Interim responses (1xx) are heads of their own: the caller goes on behind them, 101 aside.
Parsed parse_response_head(std::string_view bytes, const HeadLimits& limits, std::string_view request_method,
                           ResponseHead& head);

// Decodes a chunked body piece by piece (RFC 9112 7.1). Chunk extensions are skipped (bounded), trailers are parsed and
// kept as text (bounded), sizes above 2^63 - 1 and any deviation are refused.
class ChunkedDecoder {
 public:
  // Limit of one chunk's size line, and of the trailer section with its empty line.
  static constexpr std::size_t kMaxSizeLineBytes = 4096;
  static constexpr std::size_t kMaxTrailerBytes = 8192;
  static constexpr std::size_t kMaxTrailerFields = 64;
  // Size lines beyond the usual (extensions, leading zeros) of a whole body may not exceed its data by more than this:
  // otherwise a peer makes us read a lot for one byte.
  static constexpr std::uint64_t kMaxExtensionExcess = 16 * 1024;

  struct Step {
    std::size_t consumed = 0;     // bytes of input done with, framing included
    std::string_view data = {};   // body bytes among them: a view into the input; may be empty
    bool done = false;            // the last chunk and the trailers were read
    const char* error = nullptr;  // which rule was broken
  };
  // Takes as much of `input` as makes one step: at most one run of body bytes, which ends what is consumed. Call until
  // consumed is 0 (needs more input), done or error. After an error every further step is the same error.
  Step next(std::string_view input);
  // After done: the trailer fields as received, each with its CRLF, without the final empty line. Empty when there are
  // none. Each is a valid field line; which of them may go on is for trailer_may_pass (http/forward.h).
  std::string_view trailers() const { return trailers_; }
  bool done() const { return state_ == State::done; }
  // The trailers as fields: views into this decoder, until reset() or destruction. Only after done.
  void trailer_fields(HeaderMap& fields) const;
  // Ready for the next body; keeps the trailers' capacity.
  void reset();

 private:
  enum class State : std::uint8_t {
    size,
    before_extension,
    extension,
    size_lf,
    data,
    data_cr,
    data_lf,
    trailers,
    done
  };
  // Where in a chunk extension the last byte was (RFC 9112 7.1.1).
  enum class Extension : std::uint8_t {
    before_name,
    name,
    after_name,
    before_value,
    value,
    quoted,
    escape,
    after_quoted,
    after_value
  };
  const char* take_size_line_byte(char c);
  const char* take_extension_byte(char c);
  Step read_trailers(std::string_view input, std::size_t consumed);
  Step fail(const char* what);

  State state_ = State::size;
  Extension extension_ = Extension::before_name;
  std::uint16_t line_bytes_ = 0;      // of the size line so far
  std::uint16_t trailer_fields_ = 0;  // complete ones
  std::uint32_t trailer_line_ = 0;    // where in trailers_ the unfinished line begins
  std::uint64_t left_ = 0;            // of the chunk; while reading its size: the size so far
  std::uint64_t excess_bytes_ = 0;    // of all size lines, beyond kUsualSizeLineBytes each
  std::uint64_t data_bytes_ = 0;
  const char* error_ = nullptr;
  std::string trailers_;
};

}  // namespace weir::http
