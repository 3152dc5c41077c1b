#include "config/document.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <ranges>
#include <unordered_set>

#include "base/text.h"

namespace weir::config {
namespace {

void print(const Node& node, bool pretty, std::size_t indent, std::string& out) {
  auto new_line = [&](std::size_t depth) {
    if (!pretty) return;
    out += '\n';
    out.append(depth * 2, ' ');
  };
  switch (node.kind) {
    case Node::Kind::null:
      out += "null";
      return;
    case Node::Kind::literal:
      out += node.scalar;
      return;
    case Node::Kind::plain:
    case Node::Kind::text:
      out += '"';
      base::append_json_escaped(out, node.scalar);
      out += '"';
      return;
    case Node::Kind::list:
      out += '[';
      for (const Node& item : node.items) {
        if (&item != &node.items.front()) out += ',';
        new_line(indent + 1);
        print(item, pretty, indent + 1, out);
      }
      if (!node.items.empty()) new_line(indent);
      out += ']';
      return;
    case Node::Kind::map:
      out += '{';
      for (const Member& member : node.members) {
        if (&member != &node.members.front()) out += ',';
        new_line(indent + 1);
        out += '"';
        base::append_json_escaped(out, member.key);
        out += pretty ? "\": " : "\":";
        print(member.value, pretty, indent + 1, out);
      }
      if (!node.members.empty()) new_line(indent);
      out += '}';
      return;
  }
}

// One step of a path: takes ".key" or "[index]" off its front.
const Node* step(const Node& node, std::string_view& path) {
  if (path.starts_with('[')) {
    std::size_t index = 0;
    auto [end, error] = std::from_chars(path.data() + 1, path.data() + path.size(), index);
    if (error != std::errc() || node.kind != Node::Kind::list || index >= node.items.size()) return nullptr;
    path.remove_prefix(std::min(path.size(), static_cast<std::size_t>(end - path.data()) + 1));
    return &node.items[index];
  }
  if (path.starts_with('.')) path.remove_prefix(1);
  // Keys may hold dots and brackets (header names do): the longest key that fits is the one meant.
  const Member* best = nullptr;
  for (const Member& member : node.members) {
    if (!path.starts_with(member.key) || (best != nullptr && best->key.size() >= member.key.size())) continue;
    std::string_view rest = path.substr(member.key.size());
    if (rest.empty() || rest.front() == '.' || rest.front() == '[') best = &member;
  }
  if (best == nullptr) return nullptr;
  path.remove_prefix(best->key.size());
  return &best->value;
}

}  // namespace

std::string format(const Fault& fault) {
  std::string out = fault.at.file;
  if (fault.at.line > 0) out += fmt::format(":{}:{}", fault.at.line, fault.at.column);
  for (const std::string& part : {fault.path, fault.message}) {
    if (part.empty()) continue;
    if (!out.empty()) out += ": ";
    out += part;
  }
  return out;
}

const Node* Node::find(std::string_view key) const {
  auto found = std::ranges::find(members, key, &Member::key);
  return found == members.end() ? nullptr : &found->value;
}

void Node::set(std::string_view key, Node value) {
  members.push_back({.key = std::string(key), .line = 0, .column = 0, .value = std::move(value)});
}

Node Node::of_text(std::string_view text) {
  Node node;
  node.kind = Kind::text;
  node.scalar = text;
  return node;
}

Node Node::of_literal(std::string text) {
  Node node;
  node.kind = Kind::literal;
  node.scalar = std::move(text);
  return node;
}

Node Node::of_map() {
  Node node;
  node.kind = Kind::map;
  return node;
}

Node Node::of_list() {
  Node node;
  node.kind = Kind::list;
  return node;
}

std::string print_json(const Node& node, bool pretty) {
  std::string out;
  print(node, pretty, 0, out);
  return out;
}

void merge_patch(Node& base, const Node& patch) {
  if (patch.kind != Node::Kind::map) {
    base = patch;
    return;
  }
  if (base.kind != Node::Kind::map) base = Node::of_map();
  for (const Member& change : patch.members) {
    auto found = std::ranges::find(base.members, change.key, &Member::key);
    if (change.value.kind == Node::Kind::null) {
      if (found != base.members.end()) base.members.erase(found);
      continue;
    }
    if (found == base.members.end()) {
      base.set(change.key, {});
      found = std::prev(base.members.end());
    }
    merge_patch(found->value, change.value);
  }
}

std::optional<std::pair<int, int>> locate(const Node& root, std::string_view path) {
  const Node* deepest = &root;
  while (!path.empty()) {
    const Node* next = step(*deepest, path);
    if (next == nullptr) break;
    deepest = next;
  }
  if (deepest == &root || deepest->line == 0) return std::nullopt;
  return std::pair(deepest->line, deepest->column);
}

void drop_duplicates(Node& map, const std::string& file, Faults& faults) {
  constexpr std::size_t kFewMembers = 16;  // comparing all pairs is quicker than hashing
  std::vector<Member>& members = map.members;
  std::unordered_set<std::string_view> seen;
  std::vector<std::size_t> doubled;
  for (std::size_t i = 0; i < members.size(); ++i) {
    const std::string& key = members[i].key;
    bool again = members.size() > kFewMembers
                     ? !seen.insert(key).second
                     : std::any_of(members.begin(), members.begin() + static_cast<std::ptrdiff_t>(i),
                                   [&](const Member& earlier) { return earlier.key == key; });
    if (again) doubled.push_back(i);
  }
  for (std::size_t i : doubled) {
    auto first = std::ranges::find(members, members[i].key, &Member::key);
    std::string where = first->line > 0 ? fmt::format(" (first on line {})", first->line) : "";
    faults.push_back({{file, members[i].line, members[i].column},
                      members[i].key,
                      fmt::format("the key appears twice in this map{}; remove one of them", where)});
  }
  for (std::size_t i : std::views::reverse(doubled)) members.erase(members.begin() + static_cast<std::ptrdiff_t>(i));
}

}  // namespace weir::config
