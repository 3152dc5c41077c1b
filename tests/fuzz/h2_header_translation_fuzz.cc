// Field sections of HTTP/2: what passes as a request, written as HTTP/1, is parsed as the same request and nothing
// behind it. Input: fields as lines "name\x01value\x02"; the first byte says whether a body follows.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "http/h1_codec.h"
#include "http/head_writer.h"
#include "http2/fields.h"

namespace weir::http {
namespace {

template <typename Section>
void take_all(Section& section, std::string_view input) {
  while (!input.empty()) {
    std::string_view line = input.substr(0, input.find('\x02'));
    input.remove_prefix(std::min(input.size(), line.size() + 1));
    std::size_t split = std::min(line.find('\x01'), line.size());
    std::string_view value = split < line.size() ? line.substr(split + 1) : std::string_view();
    // In memory of their own, so that what is kept without a copy is found.
    std::string name_copy(line.substr(0, split)), value_copy(value);
    section.take(name_copy, value_copy);
  }
}

void check_as_http1(const RequestHead& head) {
  if (head.form == TargetForm::authority || head.extended_connect) return;
  std::string out(256 * 1024, '\0');
  HeadWriter writer({out.data(), out.size()});
  writer.request_line(head.method, head.target);
  writer.field("host", head.authority);
  for (const HeaderField& field : head.headers) {
    if (field.id != HeaderId::te) writer.field(field.name, field.value);
  }
  if (head.body.kind == BodyFraming::Kind::chunked) writer.field("transfer-encoding", "chunked");
  writer.end();
  WEIR_ASSERT(!writer.overflowed());
  RequestHead again;
  HeadLimits limits{.start_line_bytes = 64 * 1024, .head_bytes = 128 * 1024, .header_count = 1000};
  Parsed parsed = parse_request_head(writer.text(), limits, again);
  WEIR_ASSERT(parsed.state == Parsed::State::complete && parsed.consumed == writer.size());
  WEIR_ASSERT(again.method == head.method && again.target == head.target && again.authority == head.authority);
  WEIR_ASSERT(again.path == head.path && again.query == head.query);
  bool has_length = head.headers.find(HeaderId::content_length) != nullptr;
  if (head.body.kind != BodyFraming::Kind::none || !has_length) WEIR_ASSERT(again.body == head.body);
}

}  // namespace
}  // namespace weir::http

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir;
  using namespace weir::http;
  if (size == 0) return 0;
  bool ends = (data[0] & 1) != 0;
  std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  base::Arena arena;
  RequestHead request;
  http2::RequestSection request_section;
  request_section.begin(request, arena, {});
  take_all(request_section, input);
  if (request_section.finish(ends).kind == http2::FieldVerdict::Kind::fine) check_as_http1(request);
  ResponseHead response;
  http2::ResponseSection response_section;
  response_section.begin(response, arena, {});
  take_all(response_section, input);
  if (response_section.finish(ends, "GET").kind == http2::FieldVerdict::Kind::fine) {
    WEIR_ASSERT(response.status >= 100 && response.status <= 599 && response.status != 101);
  }
  HeaderMap trailers;
  http2::TrailerSection trailer_section;
  trailer_section.begin(trailers, arena, {});
  take_all(trailer_section, input);
  static_cast<void>(trailer_section.finish(true));
  return 0;
}
