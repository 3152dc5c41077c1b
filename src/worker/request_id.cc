#include "worker/request_id.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace weir::worker {
namespace {

// Steps of the two counters: odd, so that each runs through all 2^64 states before it repeats one.
constexpr std::uint64_t kFirstStep = 0x9e3779b97f4a7c15u;
constexpr std::uint64_t kSecondStep = 0xd1342543de82ef95u;

// Eight hexadecimal digits at once: each nibble spread to a byte, the highest first in memory.
std::uint64_t hex_of(std::uint32_t number) {
  std::uint64_t digits = number;
  digits = (digits & 0xffff0000u) << 16 | (digits & 0xffffu);
  digits = (digits & 0x0000ff000000ff00u) << 8 | (digits & 0x000000ff000000ffu);
  digits = (digits & 0x00f000f000f000f0u) << 4 | (digits & 0x000f000f000f000fu);
  std::uint64_t letters = (digits + 0x0606060606060606u) >> 4 & 0x0101010101010101u;
  return std::byteswap(digits + 0x3030303030303030u + letters * ('a' - '0' - 10));
}

void write_hex(std::uint64_t number, char* out) {
  static_assert(std::endian::native == std::endian::little);
  std::uint64_t high = hex_of(static_cast<std::uint32_t>(number >> 32));
  std::uint64_t low = hex_of(static_cast<std::uint32_t>(number));
  std::memcpy(out, &high, sizeof high);
  std::memcpy(out + sizeof high, &low, sizeof low);
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
