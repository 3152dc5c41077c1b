// What Weir accepts, llhttp (Node's parser) reads the same way: method, target, fields, framing, body, and where the
// message ends. What differs on purpose is listed in excluded(). Built where Debian's node-llhttp is installed.
#include <cstdint>
#include <llhttp.h>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/text.h"
#include "http/h1_codec.h"

namespace weir::http {
namespace {

// A message as llhttp tells it.
struct Told {
  std::string method, url, body;
  std::vector<std::pair<std::string, std::string>> fields;
  bool head_complete = false;
  bool complete = false;
  bool keep_alive = false;
  std::uint64_t flags = 0;
  std::uint64_t length = 0;
};

Told& told_of(llhttp_t* parser) { return *static_cast<Told*>(parser->data); }

int take_field_name(llhttp_t* parser, const char* at, std::size_t size) {
  Told& told = told_of(parser);
  if (told.head_complete) return 0;  // of a trailer
  told.fields.back().first.append(at, size);
  return 0;
}
int end_field_value(llhttp_t* parser) {
  Told& told = told_of(parser);
  if (!told.head_complete) told.fields.emplace_back();
  return 0;
}
int take_field_value(llhttp_t* parser, const char* at, std::size_t size) {
  Told& told = told_of(parser);
  if (!told.head_complete) told.fields.back().second.append(at, size);
  return 0;
}
int end_head(llhttp_t* parser) {
  Told& told = told_of(parser);
  told.head_complete = true;
  told.fields.pop_back();
  told.keep_alive = llhttp_should_keep_alive(parser) != 0;
  told.flags = parser->flags;
  told.length = parser->content_length;
  return 0;
}
int take_body(llhttp_t* parser, const char* at, std::size_t size) {
  told_of(parser).body.append(at, size);
  return 0;
}
int end_message(llhttp_t* parser) {
  told_of(parser).complete = true;
  return HPE_PAUSED;
}
int take_url(llhttp_t* parser, const char* at, std::size_t size) {
  told_of(parser).url.append(at, size);
  return 0;
}

const llhttp_settings_t& settings() {
  static const llhttp_settings_t kSettings = [] {
    llhttp_settings_t made;
    llhttp_settings_init(&made);
    made.on_url = take_url;
    made.on_header_field = take_field_name;
    made.on_header_value = take_field_value;
    made.on_header_value_complete = end_field_value;
    made.on_headers_complete = end_head;
    made.on_body = take_body;
    made.on_message_complete = end_message;
    return made;
  }();
  return kSettings;
}

bool knows_method(std::string_view method) {
#define WEIR_METHOD(number, name, string) \
  if (method == #string) return true;
  HTTP_METHOD_MAP(WEIR_METHOD)
#undef WEIR_METHOD
  return false;
}

// llhttp has a list of methods, where RFC 9110 9.1 lets anybody make one; ends the message at an upgrade and CONNECT,
// whose body it leaves to others; refuses targets with bytes beyond ASCII, which Weir passes on as they are; and takes
// no tab for white space behind values that it reads itself (framing, Connection), which Weir never passes on as they
// came; and knows no version of HTTP/1 above 1.1, which Weir takes for that (RFC 9110 2.5).
bool excluded(const RequestHead& head, std::string_view head_bytes) {
  if (!knows_method(head.method) || head.method == "CONNECT") return true;
  if (head_bytes.find('\t') != std::string_view::npos) return true;
  const std::string_view line = head_bytes.substr(0, head_bytes.find("\r\n", 2));
  if (!line.ends_with("HTTP/1.1") && !line.ends_with("HTTP/1.0")) return true;
  for (const HeaderField& field : head.headers) {
    if (field.id == HeaderId::upgrade) return true;
  }
  for (char c : head.target) {
    if (static_cast<unsigned char>(c) >= 0x80) return true;
  }
  return false;
}

void check_fields(const RequestHead& head, const Told& told) {
  WEIR_ASSERT(told.fields.size() == head.headers.size());
  for (std::size_t i = 0; i < head.headers.size(); ++i) {
    WEIR_ASSERT(told.fields[i].first == head.headers[i].name);
    // llhttp leaves white space at the end of a value in place.
    WEIR_ASSERT(base::trim(told.fields[i].second) == base::trim(head.headers[i].value));
  }
}

}  // namespace
}  // namespace weir::http

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir::http;
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  RequestHead head;
  const Parsed parsed = parse_request_head(bytes, {}, head);
  if (parsed.state != Parsed::State::complete) return 0;
  if (excluded(head, std::string_view(bytes).substr(0, parsed.consumed))) return 0;

  // The whole message as Weir delimits it, and its body.
  std::size_t end = parsed.consumed;
  std::string body;
  if (head.body.kind == BodyFraming::Kind::length) {
    if (head.body.length > size - end) return 0;
    body = bytes.substr(end, head.body.length);
    end += head.body.length;
  } else if (head.body.kind == BodyFraming::Kind::chunked) {
    ChunkedDecoder decoder;
    while (!decoder.done()) {
      const ChunkedDecoder::Step step = decoder.next(std::string_view(bytes).substr(end));
      if (step.error != nullptr || (step.consumed == 0 && !step.done)) return 0;
      // llhttp refuses extensions that RFC 9112 7.1.1 allows (white space around their parts, some characters). Weir
      // passes none on.
      const std::string_view around_data = std::string_view(bytes).substr(end, step.consumed - step.data.size());
      if (around_data.find_first_of("; \t") != std::string_view::npos) return 0;
      body += step.data;
      end += step.consumed;
    }
    if (!decoder.trailers().empty())
      return 0;  // llhttp takes Transfer-Encoding and Content-Length there for the head's
  }

  Told told;
  told.fields.emplace_back();
  llhttp_t parser;
  llhttp_init(&parser, HTTP_REQUEST, &settings());
  parser.data = &told;
  const llhttp_errno_t outcome = llhttp_execute(&parser, bytes.data(), end);
  WEIR_ASSERT(outcome == HPE_PAUSED && told.complete);
  const char* stopped = llhttp_get_error_pos(&parser);
  WEIR_ASSERT(stopped == nullptr || static_cast<std::size_t>(stopped - bytes.data()) == end);
  WEIR_ASSERT(llhttp_method_name(static_cast<llhttp_method_t>(parser.method)) == head.method);
  WEIR_ASSERT(told.url == head.target);
  WEIR_ASSERT(told.body == body);
  WEIR_ASSERT(told.keep_alive == head.keep_alive);
  WEIR_ASSERT(((told.flags & F_CHUNKED) != 0) == (head.body.kind == BodyFraming::Kind::chunked));
  check_fields(head, told);
  return 0;
}
