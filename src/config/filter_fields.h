// The key `filters` of listeners and routes. Included by their table_*.cc only.
#pragma once

#include "config/codecs.h"

namespace weir::config {

void read_filters(Reader& reader, const Node& node, Filters& filters);
Node write_filters(const Filters& filters);
Node filters_schema(SchemaBuilder& builder);

// A map of the names of filters, each with its options, a list of several such maps, or `off`.
template <>
struct Codec<Filters> {
  static constexpr bool kScalar = false;
  static void read(Reader& reader, const Node& node, Filters& filters, const Field&) {
    read_filters(reader, node, filters);
  }
  static void absent(Reader&, Filters&, const Field&) {}
  static Node write(const Filters& filters, const Field&, WriteOptions) { return write_filters(filters); }
  static Node schema(const Field&, SchemaBuilder& builder) { return filters_schema(builder); }
};

}  // namespace weir::config
