// Response heads: a verdict never changes with more bytes, and an accepted head, written again, parses to the same. The
// first byte chooses the method of the request.
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "http/chars.h"
#include "http/forward.h"
#include "http/h1_codec.h"
#include "http/head_writer.h"
#include "http/status.h"

namespace weir::http {
namespace {

using State = Parsed::State;
using Kind = BodyFraming::Kind;

void check_prefix(std::string_view bytes, std::size_t size, std::string_view method, const Parsed& whole) {
  const std::vector<char> exact(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
  ResponseHead head;
  const Parsed part = parse_response_head({exact.data(), exact.size()}, {}, method, head);
  if (part.state == State::incomplete) return;
  WEIR_ASSERT(part.state == whole.state && part.status == whole.status && part.consumed == whole.consumed);
  WEIR_ASSERT(std::string_view(part.what) == whole.what);
}

void check_head(const ResponseHead& head, std::string_view method) {
  WEIR_ASSERT(head.status >= 100 && head.status <= 599 && is_field_value(head.reason));
  for (const HeaderField& field : head.headers) WEIR_ASSERT(is_token(field.name) && is_field_value(field.value));
  if (!content_allowed(head.status, method)) WEIR_ASSERT(head.body == BodyFraming{});
  if (head.body.kind == Kind::until_close) WEIR_ASSERT(!head.keep_alive);
}

void check_written(const ResponseHead& head, std::string_view method, std::string_view source) {
  std::vector<char> buffer(source.size() + 32);
  HeadWriter writer(buffer);
  writer.status_line(head.status, head.reason);
  write_fields(writer, head.headers, source, [](const HeaderField&) { return true; });
  writer.end();
  // Fields that had no space behind the colon grow by one byte.
  if (writer.overflowed()) return;
  ResponseHead again;
  const Parsed parsed = parse_response_head(writer.text(), {}, method, again);
  WEIR_ASSERT(parsed.state == State::complete || writer.size() > HeadLimits().head_bytes);
  if (parsed.state != State::complete || head.version == Version::http_1_0) return;
  WEIR_ASSERT(again.status == head.status && again.reason == head.reason && again.body == head.body);
  WEIR_ASSERT(again.keep_alive == head.keep_alive && again.headers.size() == head.headers.size());
}

}  // namespace
}  // namespace weir::http

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir::http;
  if (size == 0) return 0;
  constexpr std::string_view kMethods[] = {"GET", "HEAD", "CONNECT", "POST"};
  const std::string_view method = kMethods[data[0] % 4];
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  ResponseHead head;
  const Parsed whole = parse_response_head(bytes, {}, method, head);
  for (std::size_t cut = 0; cut < bytes.size(); cut += 1 + size / 64) check_prefix(bytes, cut, method, whole);
  if (whole.state != Parsed::State::complete) return 0;
  check_head(head, method);
  check_written(head, method, bytes);
  return 0;
}
