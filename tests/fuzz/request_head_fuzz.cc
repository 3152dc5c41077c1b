// Request heads: a verdict never changes with more bytes; a head that is accepted holds nothing that another parser
// could read differently; and written again it parses to the same.
#include <cstdint>
#include <string>
#include <vector>

#include "base/assert.h"
#include "http/accept.h"
#include "http/chars.h"
#include "http/cookie.h"
#include "http/forward.h"
#include "http/h1_codec.h"
#include "http/query.h"
#include "http/target.h"

namespace weir::http {
namespace {

using State = Parsed::State;

void check_prefix(std::string_view bytes, std::size_t size, const HeadLimits& limits, const Parsed& whole) {
  const std::vector<char> exact(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
  RequestHead head;
  const Parsed part = parse_request_head({exact.data(), exact.size()}, limits, head);
  if (part.state == State::incomplete) return;
  WEIR_ASSERT(part.state == whole.state && part.status == whole.status && part.consumed == whole.consumed);
  WEIR_ASSERT(std::string_view(part.what) == whole.what);
}

// Told apart from the parser's own way: line by line.
void check_plain(std::string_view text) {
  WEIR_ASSERT(text.ends_with("\r\n\r\n"));
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto byte = static_cast<unsigned char>(text[at]);
    WEIR_ASSERT((byte == '\r') == (at + 1 < text.size() && text[at + 1] == '\n'));
    WEIR_ASSERT(byte != '\n' || (at > 0 && text[at - 1] == '\r'));
    WEIR_ASSERT(byte >= 0x20 || byte == '\r' || byte == '\n' || byte == '\t');
    WEIR_ASSERT(byte != 0x7f);
    WEIR_ASSERT(byte != '\n' || at + 1 == text.size() || (text[at + 1] != ' ' && text[at + 1] != '\t'));
  }
}

void check_head(const RequestHead& head) {
  unsigned lengths = 0;
  unsigned codings = 0;
  unsigned hosts = 0;
  for (const HeaderField& field : head.headers) {
    WEIR_ASSERT(is_token(field.name) && is_field_value(field.value));
    WEIR_ASSERT(field.id == header_id(field.name));
    lengths += field.id == HeaderId::content_length;
    codings += field.id == HeaderId::transfer_encoding;
    hosts += field.id == HeaderId::host;
  }
  WEIR_ASSERT(is_token(head.method) && !head.target.empty());
  WEIR_ASSERT(lengths + codings <= 1 && hosts <= 1);
  WEIR_ASSERT(hosts == 1 || head.version == Version::http_1_0);
  WEIR_ASSERT((head.body.kind == BodyFraming::Kind::length) == (lengths == 1));
  WEIR_ASSERT((head.body.kind == BodyFraming::Kind::chunked) == (codings == 1));
  base::Arena arena;
  const std::string_view normal = normalized_path(head.path, arena);
  WEIR_ASSERT(normalized_path(normal, arena) == normal);
}

// `source` is the bytes of `head`, or empty to have each field written by itself.
void check_written(const RequestHead& head, std::string_view source) {
  std::size_t size = head.method.size() + head.target.size() + 32;
  for (const HeaderField& field : head.headers) size += field.name.size() + field.value.size() + 5;
  std::vector<char> buffer(size);
  HeadWriter writer(buffer);
  writer.request_line(head.method, head.target);
  write_fields(writer, head.headers, source, [](const HeaderField&) { return true; });
  writer.end();
  WEIR_ASSERT(!writer.overflowed());
  RequestHead again;
  const Parsed parsed = parse_request_head(writer.text(), {.head_bytes = 1 << 20, .header_count = 100000}, again);
  if (head.version == Version::http_1_0) return;  // as 1.1 it may lack its Host
  WEIR_ASSERT(parsed.state == State::complete && parsed.consumed == writer.size());
  WEIR_ASSERT(again.method == head.method && again.target == head.target && again.path == head.path);
  WEIR_ASSERT(again.authority == head.authority && again.body == head.body && again.keep_alive == head.keep_alive);
  WEIR_ASSERT(again.headers.size() == head.headers.size());
  for (std::size_t i = 0; i < head.headers.size(); ++i) {
    WEIR_ASSERT(again.headers[i].name == head.headers[i].name && again.headers[i].value == head.headers[i].value);
  }
}

void use_helpers(const RequestHead& head, std::string_view source) {
  std::vector<char> buffer(source.size());
  HeadWriter writer(buffer);
  const HopByHop hop(head.headers);
  write_fields(writer, head.headers, source, [&hop](const HeaderField& field) { return !hop.ends_here(field); });
  find_cookie(head.headers, "a");
  find_parameter(head.query, "a");
  prefers_json(head.headers);
  max_forwards(head);
}

}  // namespace
}  // namespace weir::http

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir::http;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  // Small limits now and then, chosen by the length so that the input itself is a plain request.
  const HeadLimits limits =
      size % 8 == 7 ? HeadLimits{.start_line_bytes = 40, .head_bytes = 120, .header_count = 3} : HeadLimits{};
  RequestHead head;
  const Parsed whole = parse_request_head(bytes, limits, head);
  for (std::size_t cut = 0; cut < size; cut += 1 + size / 64) check_prefix(bytes, cut, limits, whole);
  if (whole.state != Parsed::State::complete) return 0;
  check_plain(bytes.substr(0, whole.consumed));
  check_head(head);
  check_written(head, bytes);
  check_written(head, {});
  use_helpers(head, bytes);
  return 0;
}
