// The keys of a pool that say how clients stay with their backends. Included by table_pool.cc only.
#pragma once

#include "config/codecs.h"

namespace weir::config {

// The other two keys are short forms that the API's calls have as well. They are read, never written. All three are
// read together, by read_stickiness().
inline constexpr Rules kStickyTtl{.min = 1000, .max = 400.0 * 86'400'000};  // what browsers keep a cookie for

constexpr void read_later(Reader&, const Node&, void*, const Field&) {}

constexpr Field sticky_field() {
  Field made = field<&Pool::sticky>("sticky", "keep a client at its backend");
  made.read = read_later;
  return made;
}
constexpr Field sticky_sessions_field() {
  return {.key = "sticky_sessions",
          .summary = "true: the same as `sticky: cookie`",
          .rules = {},
          .read = read_later,
          .absent = nullptr,
          .write = nullptr,
          .schema = [](const Field& self, SchemaBuilder& builder) { return Codec<bool>::schema(self, builder); }};
}
constexpr Field sticky_ttl_field() {
  return {.key = "sticky_ttl",
          .summary = "the same as the `ttl` of `sticky`",
          .rules = kStickyTtl,
          .read = read_later,
          .absent = nullptr,
          .write = nullptr,
          .schema = [](const Field& self, SchemaBuilder& builder) { return Codec<Duration>::schema(self, builder); }};
}

// Reads the three keys of the map of a pool. Options that nothing heeds are errors in files.
void read_stickiness(Reader& reader, const Node& pool, void* object);

}  // namespace weir::config
