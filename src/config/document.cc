#include "config/document.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <unordered_map>

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

// The path of the innermost of `open`, ready for a key to follow.
std::string path_of(std::span<const Node* const> open) {
  std::string out;
  for (const Node* node : open.first(open.empty() ? 0 : open.size() - 1)) {
    if (node->kind == Node::Kind::list) {
      if (out.ends_with('.')) out.pop_back();
      out += fmt::format("[{}].", node->items.size() - 1);
    } else {
      out += node->members.back().key + ".";
    }
  }
  return out;
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

void drop_duplicates(Node& map, std::span<const Node* const> open, const std::string& file, Faults& faults) {
  constexpr std::size_t kFewMembers = 16;  // comparing all pairs is quicker than hashing
  std::vector<Member>& members = map.members;
  std::unordered_map<std::string_view, std::size_t> seen;
  // The index of the first member with the key of member `i`.
  auto first_of = [&](std::size_t i) {
    if (members.size() > kFewMembers) return seen.try_emplace(members[i].key, i).first->second;
    std::size_t first = 0;
    while (members[first].key != members[i].key) ++first;
    return first;
  };
  std::vector<std::size_t> doubled;
  for (std::size_t i = 0; i < members.size(); ++i) {
    std::size_t first = first_of(i);
    if (first == i) continue;
    doubled.push_back(i);
    std::string where = members[first].line > 0 ? fmt::format(" (first on line {})", members[first].line) : "";
    faults.push_back({{file, members[i].line, members[i].column},
                      path_of(open) + members[i].key,
                      fmt::format("the key appears twice in this map{}; remove one of them", where)});
  }
  if (doubled.empty()) return;
  std::vector<Member> kept;
  kept.reserve(members.size() - doubled.size());
  auto next = doubled.begin();
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (next != doubled.end() && *next == i) {
      ++next;
    } else {
      kept.push_back(std::move(members[i]));
    }
  }
  members = std::move(kept);
}

}  // namespace weir::config
