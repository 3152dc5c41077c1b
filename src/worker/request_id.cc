#include "worker/request_id.h"

#include <algorithm>
#include <bit>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace weir::worker {
namespace {

// Steps of the two counters: odd, so that each runs through all 2^64 states before it repeats one.
constexpr std::uint64_t kFirstStep = 0x9e3779b97f4a7c15u;
constexpr std::uint64_t kSecondStep = 0xd1342543de82ef95u;

// Sixteen lower-case digits, the highest first.
void write_hex(std::uint64_t number, char* out) {
#if defined(__SSE2__)
  const __m128i bytes = _mm_cvtsi64_si128(static_cast<long long>(std::byteswap(number)));
  const __m128i low_half = _mm_set1_epi8(0x0f);
  const __m128i digits =
      _mm_unpacklo_epi8(_mm_and_si128(_mm_srli_epi16(bytes, 4), low_half), _mm_and_si128(bytes, low_half));
  const __m128i letters = _mm_and_si128(_mm_cmpgt_epi8(digits, _mm_set1_epi8(9)), _mm_set1_epi8('a' - '0' - 10));
  const __m128i text = _mm_add_epi8(_mm_add_epi8(digits, _mm_set1_epi8('0')), letters);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out), text);
#else
  for (int i = 15; i >= 0; --i, number >>= 4) out[i] = "0123456789abcdef"[number & 15];
#endif
}

bool is_sane(std::string_view id) {
  return !id.empty() && id.size() <= kMaxRequestIdBytes &&
         std::ranges::all_of(id, [](char c) { return c > ' ' && c < 0x7f && c != '"' && c != '\\'; });
}

// The value of the one X-Request-Id; nothing when there are several, or none.
std::string_view received_id(const http::HeaderMap& headers) {
  std::string_view found;
  int fields = 0;
  for (const http::HeaderField& field : headers) {
    if (field.id != http::HeaderId::x_request_id) continue;
    found = field.value;
    ++fields;
  }
  return fields == 1 ? found : std::string_view();
}

}  // namespace

std::string_view RequestIds::make(base::Arena& arena) {
  ++count_;
  char* id = arena.allocate(kRequestIdBytes);
  // Each half is a bijection of the counter, so neither repeats.
  write_hex(base::mix(seed_.first + count_ * kFirstStep), id);
  write_hex(base::mix(seed_.second + count_ * kSecondStep), id + kRequestIdBytes / 2);
  return {id, kRequestIdBytes};
}

std::string_view request_id(const http::RequestHead& request, bool peer_trusted, RequestIds& ids, base::Arena& arena) {
  if (peer_trusted) {
    const std::string_view id = received_id(request.headers);
    if (is_sane(id)) return id;
  }
  return ids.make(arena);
}

}  // namespace weir::worker
