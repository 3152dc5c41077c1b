// X-Request-Id: the name under which logs, error pages and backends know an exchange.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/arena.h"
#include "base/hash.h"
#include "http/message.h"

namespace weir::worker {

inline constexpr std::size_t kRequestIdBytes = 32;
inline constexpr std::size_t kMaxRequestIdBytes = 128;

// Makes ids: 128 bits as 32 lower-case hex digits. One per worker, seeded from the kernel once; no id repeats within
// 2^64 of one maker, and makers differ by their seeds. For telling apart, not for secrecy. Not thread-safe.
class RequestIds {
 public:
  explicit RequestIds(const base::HashKey& seed = base::HashKey::random()) : seed_(seed) {}
  // Writes the next id to the arena.
  std::string_view make(base::Arena& arena);

 private:
  base::HashKey seed_;
  std::uint64_t count_ = 0;
};

// The id of an exchange: what the request's X-Request-Id says when the peer is trusted and there is one such field of 1
// to kMaxRequestIdBytes printable ASCII bytes without spaces, quotes and backslashes; else a new one. Lives in the
// request or the arena. Write it as the only X-Request-Id of the request to the backend.
std::string_view request_id(const http::RequestHead& request, bool peer_trusted, RequestIds& ids, base::Arena& arena);

}  // namespace weir::worker
