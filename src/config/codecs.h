// How each type of member is read, written and described. Included by the table_*.cc files only.
#pragma once

#include <fmt/format.h>
#include <limits>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "config/fields.h"
#include "config/json.h"
#include "config/reader.h"
#include "config/schema_builder.h"

namespace weir::config {

// A struct with a table of its own.
template <typename T>
struct Codec {
  static constexpr bool kScalar = false;
  static void read(Reader& reader, const Node& node, T& value, const Field&) {
    if constexpr (requires { value.origin; }) value.origin = reader.origin(node);
    reader.read(node, resource<T>(), &value);
  }
  static void absent(Reader& reader, T& value, const Field&) { reader.complete(resource<T>(), &value); }
  static Node write(const T& value, const Field&, WriteOptions options) {
    Node map = write_resource(resource<T>(), &value, options);
    return map.members.empty() ? Node() : map;
  }
  static Node schema(const Field&, SchemaBuilder& builder) { return builder.reference(resource<T>()); }
  static const Resource& inner() { return resource<T>(); }
};

// The common part of most values: no work when absent.
struct ScalarCodec {
  static constexpr bool kScalar = true;
  static void absent(Reader&, auto&, const Field&) {}
};

template <>
struct Codec<bool> : ScalarCodec {
  static void read(Reader& reader, const Node& node, bool& value, const Field&) {
    if (auto read = reader.boolean(node)) value = *read;
  }
  static Node write(bool value, const Field&, WriteOptions) { return Node::of_literal(value ? "true" : "false"); }
  static Node schema(const Field&, SchemaBuilder& builder) { return builder.boolean(); }
};

template <typename T>
  requires(std::is_unsigned_v<T> && !std::is_same_v<T, bool>)
struct Codec<T> : ScalarCodec {
  static void read(Reader& reader, const Node& node, T& value, const Field& field) {
    if (auto read = reader.integer(node, field.rules, std::numeric_limits<T>::max())) value = static_cast<T>(*read);
  }
  static Node write(T value, const Field& field, WriteOptions) {
    if (value == 0 && !field.rules.word_for_zero.empty()) return Node::of_text(field.rules.word_for_zero);
    return Node::of_literal(fmt::to_string(value));
  }
  static Node schema(const Field& field, SchemaBuilder& builder) {
    return builder.integer(field.rules, static_cast<double>(std::numeric_limits<T>::max()));
  }
};

template <>
struct Codec<double> : ScalarCodec {
  static void read(Reader& reader, const Node& node, double& value, const Field& field) {
    if (auto read = reader.number(node, field.rules)) value = *read;
  }
  static Node write(double value, const Field&, WriteOptions) { return Node::of_literal(fmt::format("{}", value)); }
  static Node schema(const Field& field, SchemaBuilder& builder) { return builder.number(field.rules); }
};

template <>
struct Codec<Duration> : ScalarCodec {
  static void read(Reader& reader, const Node& node, Duration& value, const Field& field) {
    if (auto read = reader.duration(node, field.rules)) value = *read;
  }
  static Node write(Duration value, const Field&, WriteOptions) { return Node::of_text(duration_text(value)); }
  static Node schema(const Field&, SchemaBuilder& builder) { return builder.duration(); }
};

template <>
struct Codec<std::string> : ScalarCodec {
  static void read(Reader& reader, const Node& node, std::string& value, const Field& field) {
    if (auto read = reader.text(node, field.rules)) value = std::move(*read);
  }
  static Node write(const std::string& value, const Field&, WriteOptions) {
    return value.empty() ? Node() : Node::of_text(value);
  }
  static Node schema(const Field& field, SchemaBuilder& builder) { return builder.text(field.rules); }
};

template <>
struct Codec<base::Cidr> : ScalarCodec {
  static void read(Reader& reader, const Node& node, base::Cidr& value, const Field&) {
    std::optional<std::string> text = reader.text(node, {});
    if (!text) return;
    if (auto cidr = base::Cidr::parse(*text)) {
      value = *cidr;
    } else {
      reader.fault(node, fmt::format("{} is no address block such as 10.0.0.0/8 or 2001:db8::/32", quoted(*text)));
    }
  }
  static Node write(const base::Cidr& value, const Field&, WriteOptions) { return Node::of_text(value.to_string()); }
  static Node schema(const Field&, SchemaBuilder& builder) { return builder.text({}); }
};

template <typename E>
  requires std::is_enum_v<E>
struct Codec<E> : ScalarCodec {
  static void read(Reader& reader, const Node& node, E& value, const Field&) {
    if (auto index = reader.one_of(node, value_names<E>())) value = static_cast<E>(*index);
  }
  static Node write(E value, const Field&, WriteOptions) {
    return Node::of_text(value_names<E>()[static_cast<std::size_t>(value)]);
  }
  static Node schema(const Field&, SchemaBuilder& builder) { return builder.text({.allowed = value_names<E>()}); }
};

template <typename T>
struct Codec<std::optional<T>> {
  static constexpr bool kScalar = Codec<T>::kScalar;
  static void read(Reader& reader, const Node& node, std::optional<T>& value, const Field& field) {
    Codec<T>::read(reader, node, value.emplace(), field);
  }
  static void absent(Reader&, std::optional<T>&, const Field&) {}
  static Node write(const std::optional<T>& value, const Field& field, WriteOptions options) {
    return value ? Codec<T>::write(*value, field, options) : Node();
  }
  static Node schema(const Field& field, SchemaBuilder& builder) { return Codec<T>::schema(field, builder); }
  static const Resource& inner()
    requires requires { Codec<T>::inner(); }
  {
    return Codec<T>::inner();
  }
};

// A list, or one value where a list of one would do.
template <typename T>
struct Codec<std::vector<T>> {
  static constexpr bool kScalar = false;
  static void read(Reader& reader, const Node& node, std::vector<T>& values, const Field& field) {
    values.clear();
    if (node.kind == Node::Kind::map) {
      reader.fault(node, fmt::format("must be a list; write each of the {} after a '- '", field.key));
    } else if (node.is_scalar()) {
      Codec<T>::read(reader, node, values.emplace_back(), field);
    }
    bool is_empty = node.items.empty() && (node.kind == Node::Kind::list || node.kind == Node::Kind::null);
    if (field.rules.filled && is_empty) {
      reader.fault(node, "must not be empty, which would mean everybody; list at least one value, or remove the key");
    }
    values.reserve(node.items.size() + values.size());
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      Reader::In in(reader, i);
      Codec<T>::read(reader, node.items[i], values.emplace_back(), field);
    }
  }
  static void absent(Reader&, std::vector<T>&, const Field&) {}
  static Node write(const std::vector<T>& values, const Field& field, WriteOptions options) {
    if (Codec<T>::kScalar && values.empty()) return {};
    Node list = Node::of_list();
    list.items.reserve(values.size());
    for (const T& value : values) list.items.push_back(Codec<T>::write(value, field, options));
    return list;
  }
  static Node schema(const Field& field, SchemaBuilder& builder) {
    return builder.list(Codec<T>::schema(field, builder), Codec<T>::kScalar, field.rules.filled);
  }
  static const Resource& inner()
    requires requires { Codec<T>::inner(); }
  {
    return Codec<T>::inner();
  }
};

template <>
struct Codec<Choice> {
  static constexpr bool kScalar = false;
  static void read(Reader& reader, const Node& node, Choice& choice, const Field& field) {
    reader.read_choice(node, choice, field.rules.kind);
  }
  static void absent(Reader& reader, Choice& choice, const Field& field) {
    reader.complete_choice(choice, field.rules.kind);
  }
  static Node write(const Choice& choice, const Field&, WriteOptions) {
    Node map = Node::of_map();
    write_choice(choice, map);
    return map;
  }
  static Node schema(const Field& field, SchemaBuilder& builder) { return builder.choice(field.rules.kind); }
};

template <typename C>
constexpr const Resource& (*inner_of())() {
  if constexpr (requires { C::inner(); }) return &C::inner;
  return nullptr;
}

template <typename S, typename T>
S struct_of(T S::*);
template <typename S, typename T>
T type_of(T S::*);

// The Field of a member: field<&Backend::port>("port", "...", {.min = 1}).
template <auto Member>
constexpr Field field(std::string_view key, std::string_view summary, Rules rules = {}) {
  using S = decltype(struct_of(Member));
  using C = Codec<decltype(type_of(Member))>;
  return {.key = key,
          .summary = summary,
          .rules = rules,
          .read = [](Reader& reader, const Node& node, void* object,
                     const Field& self) { C::read(reader, node, static_cast<S*>(object)->*Member, self); },
          .absent = [](Reader& reader, void* object,
                       const Field& self) { C::absent(reader, static_cast<S*>(object)->*Member, self); },
          .write = [](const void* object, const Field& self,
                      WriteOptions options) { return C::write(static_cast<const S*>(object)->*Member, self, options); },
          .schema = [](const Field& self, SchemaBuilder& builder) { return C::schema(self, builder); },
          .inner = inner_of<C>(),
          .is_list = requires {std::declval<decltype(type_of(Member))>().push_back({});
}
,
};  // namespace weir::config
}

// "origin", which the API shows on request and ignores when it comes back.
template <typename S>
constexpr Field origin_field() {
  return {
      .key = "origin",
      .summary = "where the object was written",
      .rules = {},
      .read =
          [](Reader& reader, const Node& node, void*, const Field&) {
            if (!reader.of_api()) reader.fault(node, "is set by Weir itself; remove it");
          },
      .absent = nullptr,
      .write = [](const void* object, const Field&,
                  WriteOptions options) { return write_origin(static_cast<const S*>(object)->origin, options); },
      .schema = nullptr,
  };
}

// "warnings", which the API adds to what it answers and ignores when it comes back.
constexpr Field warnings_field() {
  return {.key = "warnings",
          .summary = "what has no effect, and why",
          .rules = {},
          .read =
              [](Reader& reader, const Node& node, void*, const Field&) {
                if (!reader.of_api()) reader.fault(node, "is said by Weir itself; remove it");
              },
          .absent = nullptr,
          .write = nullptr,
          .schema = nullptr};
}

// A default-made S, for Resource::defaults.
template <typename S>
const void* defaults_of() {
  static const S value;
  return &value;
}

}  // namespace weir::config
