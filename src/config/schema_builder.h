// Makes the parts of the JSON Schema that fields ask for.
#pragma once

#include "config/document.h"
#include "config/fields.h"
#include "config/kinds.h"

namespace weir::config {

// Collects each resource once under $defs.
class SchemaBuilder {
 public:
  // `with_origin`: objects may hold the "origin" that the API shows, as what it shows may be sent back.
  explicit SchemaBuilder(const Kinds& kinds, bool with_origin = false)
      : kinds_(kinds), with_origin_(with_origin), definitions_(Node::of_map()) {}

  Node boolean() const;
  Node integer(const Rules& rules, double type_max) const;
  Node number(const Rules& rules) const;
  Node duration() const;
  Node text(const Rules& rules) const;
  // Lists of `items`, at least one when `filled`; a single one as well when `or_one`.
  Node list(Node items, bool or_one, bool filled = false) const;
  Node choice(std::string_view kind) const;
  // A map of the entries of `kind` by name, each with its options or `off`.
  Node filters(std::string_view kind);
  // A reference to the definition of `resource`, which is made when first asked for.
  Node reference(const Resource& resource);
  // The same for a resource as one call takes it, with a definition of its own, `name`.
  struct Variant {
    std::string_view name;
    std::string_view optional = {};  // a key that need not be there, although the resource requires it
    Node more = Node::of_map();      // what may be there as well, by key
  };
  Node reference(const Resource& resource, Variant variant);
  // Any map whose values are `values`.
  Node map_of(Node values) const;
  Node any_of(std::vector<Node> alternatives) const;

  Node take_definitions() { return std::move(definitions_); }

 private:
  Node definition(const Resource& resource, Variant variant);
  Node properties(const Resource& resource);
  Node origin() const;
  void add_options(Node& properties, const KindEntry& entry) const;
  // Those below `prefix` ("users.", or empty), as a map of their own.
  Node options(const KindEntry& entry, std::string_view prefix) const;
  Node option(const OptionSpec& spec) const;

  const Kinds& kinds_;
  const bool with_origin_;
  Node definitions_;
};

}  // namespace weir::config
