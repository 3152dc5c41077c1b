// A configuration text as a tree that remembers where everything was written: what YAML and JSON have in common.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/fault.h"

namespace weir::config {

struct Member;

// A value. `plain` is an unquoted YAML scalar, whose type its reader decides; `literal` a JSON number or boolean;
// `text` is quoted, and so never a number.
struct Node {
  enum class Kind : unsigned char { null, plain, literal, text, list, map };

  Kind kind = Kind::null;
  int line = 0;  // from 1; 0 is unknown
  int column = 0;
  std::string scalar;
  std::vector<Node> items;
  std::vector<Member> members;

  bool is_scalar() const { return kind == Kind::plain || kind == Kind::literal || kind == Kind::text; }
  // The value of `key` in a map, or null.
  const Node* find(std::string_view key) const;
  // Appends to a map without looking for duplicates.
  void set(std::string_view key, Node value);

  static Node of_text(std::string_view text);
  static Node of_literal(std::string text);
  static Node of_map();
  static Node of_list();
};

struct Member {
  std::string key;
  int line = 0;
  int column = 0;
  Node value;
};

// Limits that hold of every text, so that a small one cannot become a large tree.
inline constexpr std::size_t kMaxDepth = 64;
inline constexpr std::size_t kMaxNodes = 2'000'000;  // with what aliases expand to

struct Document {
  std::string file;
  Node root;             // null for an empty text
  Faults faults;         // duplicate keys leave the tree usable: the first one stays
  bool complete = true;  // false: the text could not be read to its end and `root` means nothing
};

// YAML as libyaml 0.2.5 reads it (1.1, with the flow collections of 1.2), one document, without tags; merge keys ('<<')
// are resolved. Never throws.
Document parse_yaml(std::string_view text, const std::string& file);
// RFC 8259. Nodes have no lines; a syntax error does. Never throws.
Document parse_json(std::string_view text, const std::string& file);
// One line, or indented by two spaces. `plain` scalars are written as text.
std::string print_json(const Node& node, bool pretty);

// RFC 7396: members of `patch` replace those of `base`, null removes, lists are replaced whole.
void merge_patch(Node& base, const Node& patch);

// Where the value at `path` ("pools[0].backends[2].port") was written: the deepest part of it that exists, if any.
std::optional<std::pair<int, int>> locate(const Node& root, std::string_view path);

// Adds a fault for each key that appears twice in `map`, and removes all but the first. `open` are the lists and maps
// being read, outermost first, with `map` as the last: they give the path.
void drop_duplicates(Node& map, std::span<const Node* const> open, const std::string& file, Faults& faults);

}  // namespace weir::config
