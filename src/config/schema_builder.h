// Makes the parts of the JSON Schema that fields ask for.
#pragma once

#include "config/document.h"
#include "config/fields.h"
#include "config/kinds.h"

namespace weir::config {

// Collects each resource once under $defs.
class SchemaBuilder {
 public:
  explicit SchemaBuilder(const Kinds& kinds) : kinds_(kinds), definitions_(Node::of_map()) {}

  Node boolean() const;
  Node integer(const Rules& rules, double type_max) const;
  Node number(const Rules& rules) const;
  Node duration() const;
  Node text(const Rules& rules) const;
  // Lists of `items`; a single one as well when `or_one`.
  Node list(Node items, bool or_one) const;
  Node choice(KindList list) const;
  // A reference to the definition of `resource`, which is made when first asked for.
  Node reference(const Resource& resource);
  // Any map whose values are `values`.
  Node map_of(Node values) const;
  Node any_of(std::vector<Node> alternatives) const;

  Node take_definitions() { return std::move(definitions_); }

 private:
  Node definition(const Resource& resource);
  Node properties(const Resource& resource);
  void add_options(Node& properties, const KindEntry& entry) const;
  Node option(const OptionSpec& spec) const;

  const Kinds& kinds_;
  Node definitions_;
};

}  // namespace weir::config
