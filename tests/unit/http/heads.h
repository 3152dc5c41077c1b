// Parsing in tests: every text is also parsed at every length, from memory of exactly that length, so that a read
// beyond the input is caught and a verdict that changes with more bytes fails.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"

#include "http/h1_codec.h"

namespace weir::http {

// The result of a parse of a whole text, with the head it filled; the head's views point into `bytes`.
template <typename Head>
struct Outcome {
  std::vector<char> bytes;
  Parsed parsed;
  Head head;

  bool complete() const { return parsed.state == Parsed::State::complete; }
  bool incomplete() const { return parsed.state == Parsed::State::incomplete; }
  // The status of a refusal; 0 when there is none.
  int refusal() const { return parsed.state == Parsed::State::invalid ? parsed.status : 0; }
};
using Request = Outcome<RequestHead>;
using Response = Outcome<ResponseHead>;

template <typename Head, typename Parse>
Outcome<Head> parse_at_every_length(std::string_view text, Parse parse) {
  Outcome<Head> whole;
  whole.bytes.assign(text.begin(), text.end());
  whole.parsed = parse(std::string_view(whole.bytes.data(), whole.bytes.size()), whole.head);
  bool decided = false;
  for (std::size_t size = 0; size < text.size(); ++size) {
    std::vector<char> bytes(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(size));
    bytes.shrink_to_fit();
    Head head;
    const Parsed part = parse(std::string_view(bytes.data(), bytes.size()), head);
    if (part.state == Parsed::State::incomplete) {
      EXPECT_FALSE(decided) << "undecided again at " << size << " of: " << text;
      continue;
    }
    decided = true;
    EXPECT_EQ(part.state, whole.parsed.state) << "at " << size << " of: " << text << "\n" << part.what;
    EXPECT_EQ(part.consumed, whole.parsed.consumed) << "at " << size << " of: " << text;
    EXPECT_EQ(part.status, whole.parsed.status) << "at " << size << " of: " << text;
    EXPECT_STREQ(part.what, whole.parsed.what) << "at " << size << " of: " << text;
  }
  return whole;
}

inline Request parse_request(std::string_view text, const HeadLimits& limits = {}) {
  return parse_at_every_length<RequestHead>(
      text, [&limits](std::string_view bytes, RequestHead& head) { return parse_request_head(bytes, limits, head); });
}

inline Response parse_response(std::string_view text, std::string_view method = "GET", const HeadLimits& limits = {}) {
  return parse_at_every_length<ResponseHead>(text, [&](std::string_view bytes, ResponseHead& head) {
    return parse_response_head(bytes, limits, method, head);
  });
}

// A request of HTTP/1.1 with these field lines behind a Host.
inline Request parse_with_fields(std::string_view lines, std::string_view method = "POST") {
  return parse_request(std::string(method) + " / HTTP/1.1\r\nHost: a\r\n" + std::string(lines) + "\r\n");
}

// The value of the first field with that name, or "(none)".
inline std::string_view value_of(const HeaderMap& headers, std::string_view name) {
  const HeaderField* field = headers.find(name);
  return field == nullptr ? "(none)" : field->value;
}

}  // namespace weir::http
