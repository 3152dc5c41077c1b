// Chunked bodies: the result does not depend on how the bytes arrive, and what was decoded, encoded again, decodes to
// the same. The first byte chooses the pieces.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "http/h1_codec.h"
#include "http/head_writer.h"

namespace weir::http {
namespace {

struct Decoded {
  std::string data;
  std::string trailers;
  std::size_t consumed = 0;
  bool done = false;
  std::string error;
};

Decoded decode(std::string_view body, std::size_t piece) {
  ChunkedDecoder decoder;
  Decoded result;
  while (result.consumed < body.size() && !result.done && result.error.empty()) {
    const std::string_view part = body.substr(result.consumed, piece);
    const std::vector<char> exact(part.begin(), part.end());
    const ChunkedDecoder::Step step = decoder.next({exact.data(), exact.size()});
    if (step.error != nullptr) {
      result.error = step.error;
      break;
    }
    WEIR_ASSERT(step.consumed > 0 && step.consumed <= part.size() && step.data.size() <= step.consumed);
    result.data += step.data;
    result.consumed += step.consumed;
    result.done = step.done;
  }
  if (result.done) result.trailers = decoder.trailers();
  return result;
}

void check_encoded(const Decoded& whole, std::size_t piece) {
  std::string body;
  for (std::size_t at = 0; at < whole.data.size(); at += piece) {
    const std::string_view part = std::string_view(whole.data).substr(at, piece);
    char header[kChunkHeaderBytes];
    body.append(header, write_chunk_header(header, part.size())).append(part).append(kChunkEnd);
  }
  body.append(kLastChunk).append(whole.trailers).append("\r\n");
  const Decoded again = decode(body, body.size());
  WEIR_ASSERT(again.done && again.data == whole.data && again.trailers == whole.trailers);
  WEIR_ASSERT(again.consumed == body.size());
}

}  // namespace
}  // namespace weir::http

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir::http;
  if (size < 2) return 0;
  const std::size_t piece = 1 + data[0] % 64;
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Decoded whole = decode(body, body.size());
  const Decoded parts = decode(body, piece);
  WEIR_ASSERT(whole.done == parts.done && whole.error == parts.error);
  // Before a refusal, the steps may have handed over more or less of the data of that body.
  if (whole.error.empty()) {
    WEIR_ASSERT(whole.data == parts.data && whole.trailers == parts.trailers && whole.consumed == parts.consumed);
  }
  if (whole.done) check_encoded(whole, piece);
  return 0;
}
