// HTTP/1.0 and 1.1 on the wire, both ways: strict by RFC 9112, no I/O.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "http/message.h"

namespace weir::http {

struct HeadLimits {
  std::uint32_t start_line_bytes = 8 * 1024;
  std::uint32_t head_bytes = 16 * 1024;
  std::uint32_t header_count = 100;
};

// Parses the head at the start of `bytes` into `head`, whose views point into `bytes`. Call again with more bytes while
// incomplete; a rule broken in the bytes so far is told at once. Refuses everything that two parsers could read
// differently: the list is in h1_request.cc. One leading empty line is skipped (RFC 9112 2.2). Under 300 ns for a usual
// browser's head.
Parsed parse_request_head(std::string_view bytes, const HeadLimits& limits, RequestHead& head);

// The same for the response to a request with `method`, which decides with the status how the body ends (RFC 9112 6.3).
Parsed parse_response_head(std::string_view bytes, const HeadLimits& limits, std::string_view request_method,
                           ResponseHead& head);

// Decodes a chunked body piece by piece (RFC 9112 7.1). Chunk extensions are skipped (bounded), trailers are parsed and
// kept as text (bounded), sizes above 2^63 and any deviation are refused.
class ChunkedDecoder {
 public:
  struct Step {
    std::size_t consumed = 0;     // bytes of input done with, framing included
    std::string_view data;        // body bytes among them: a view into the input; may be empty
    bool done = false;            // the last chunk and the trailers were read
    const char* error = nullptr;  // which rule was broken
  };
  // Takes as much of `input` as makes one step: at most one run of body bytes. Call until consumed is 0 or done.
  Step next(std::string_view input);
  // After done: the trailer fields as received, each with its CRLF, without the final empty line. Empty when there are
  // none.
  std::string_view trailers() const { return trailers_; }

 private:
  // To be completed by the implementation; no allocation unless there are trailers.
  std::string trailers_;
};

}  // namespace weir::http
