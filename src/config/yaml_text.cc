// Reads YAML through libyaml's events; nothing else in this folder knows that library.
#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <memory>
#include <unordered_map>
#include <yaml.h>

#include "config/document.h"

namespace weir::config {
namespace {

std::string_view view(const yaml_char_t* text) {
  return text == nullptr ? std::string_view() : std::string_view(reinterpret_cast<const char*>(text));
}

int line_of(const yaml_mark_t& mark) { return static_cast<int>(mark.line) + 1; }
int column_of(const yaml_mark_t& mark) { return static_cast<int>(mark.column) + 1; }

// Turns events into the tree. A function that returns false has stopped the document with a fault.
class TreeBuilder {
 public:
  explicit TreeBuilder(Document& document) : document_(document) {}

  bool take(const yaml_event_t& event) {
    const yaml_mark_t& at = event.start_mark;
    switch (event.type) {
      case YAML_DOCUMENT_START_EVENT:
        if (std::exchange(started_, true)) {
          return stop(at, "more after the end of the document; a file holds one document");
        }
        return true;
      case YAML_SCALAR_EVENT:
        return scalar(at, event);
      case YAML_ALIAS_EVENT:
        return alias(at, std::string(view(event.data.alias.anchor)));
      case YAML_SEQUENCE_START_EVENT:
        return open(at, Node::Kind::list, view(event.data.sequence_start.tag), view(event.data.sequence_start.anchor));
      case YAML_MAPPING_START_EVENT:
        return open(at, Node::Kind::map, view(event.data.mapping_start.tag), view(event.data.mapping_start.anchor));
      case YAML_MAPPING_END_EVENT:
        drop_duplicates(*open_.back().node, path_, document_.file, document_.faults);
        if (!merge(*open_.back().node)) return false;
        close();
        return true;
      case YAML_SEQUENCE_END_EVENT:
        close();
        return true;
      default:
        return true;
    }
  }

 private:
  struct Open {
    Node* node;
    std::string anchor;
    std::size_t first_node;  // nodes_ when it was opened
    std::size_t depth = 1;   // of its deepest value, itself counted
    bool has_key = false;    // of a map: the key is read, its value is not
  };
  struct Anchored {
    Node node;
    std::size_t nodes;
    std::size_t depth;
    bool is_open = false;  // being read
  };

  bool stop(const yaml_mark_t& at, std::string message) {
    document_.faults.push_back({{document_.file, line_of(at), column_of(at)}, "", std::move(message)});
    document_.complete = false;
    return false;
  }
  bool expects_key() const {
    return !open_.empty() && open_.back().node->kind == Node::Kind::map && !open_.back().has_key;
  }
  bool count(const yaml_mark_t& at, std::size_t more) {
    nodes_ += more;
    return nodes_ <= kMaxNodes || stop(at, fmt::format("more than {} values, aliases expanded", kMaxNodes));
  }
  bool too_deep(const yaml_mark_t& at) { return stop(at, fmt::format("nested deeper than {} levels", kMaxDepth)); }
  void refuse_tag(const yaml_mark_t& at, std::string_view tag) {
    document_.faults.push_back({{document_.file, line_of(at), column_of(at)},
                                "",
                                fmt::format("the tag '{}' has no meaning here; remove it", tag)});
  }
  static Node make(const yaml_mark_t& at, Node::Kind kind) {
    Node node;
    node.kind = kind;
    node.line = line_of(at);
    node.column = column_of(at);
    return node;
  }

  bool scalar(const yaml_mark_t& at, const yaml_event_t& event) {
    const auto& read = event.data.scalar;
    std::string_view value(reinterpret_cast<const char*>(read.value), read.length);
    std::string_view tag = view(read.tag);
    if (!tag.empty() && tag != "!" && tag != "tag:yaml.org,2002:str") refuse_tag(at, tag);
    if (!count(at, 1)) return false;
    bool plain = read.style == YAML_PLAIN_SCALAR_STYLE && tag.empty();
    bool null = plain && (value.empty() || value == "~" || value == "null" || value == "Null" || value == "NULL");
    Node node = make(at, null ? Node::Kind::null : plain ? Node::Kind::plain : Node::Kind::text);
    if (!null) node.scalar = value;
    if (read.anchor != nullptr) anchors_.insert_or_assign(std::string(view(read.anchor)), Anchored{node, 1, 0});
    if (!expects_key()) {
      add(std::move(node));
      return true;
    }
    open_.back().node->members.push_back(
        {.key = std::string(value), .line = node.line, .column = node.column, .value = {}});
    open_.back().has_key = true;
    return true;
  }

  bool alias(const yaml_mark_t& at, const std::string& name) {
    auto found = anchors_.find(name);
    if (found == anchors_.end())
      return stop(at, fmt::format("'*{}' stands for nothing: the anchor is not defined", name));
    const Anchored& anchored = found->second;
    if (anchored.is_open) return stop(at, "an alias inside what it stands for");
    if (expects_key()) return stop(at, "an alias as a key; write the key out");
    if (!count(at, anchored.nodes)) return false;
    if (open_.size() + anchored.depth > kMaxDepth) return too_deep(at);
    if (!open_.empty()) open_.back().depth = std::max(open_.back().depth, anchored.depth + 1);
    add(anchored.node);
    return true;
  }

  bool open(const yaml_mark_t& at, Node::Kind kind, std::string_view tag, std::string_view anchor) {
    if (expects_key()) return stop(at, "a key must be a word, not a list or map");
    if (!tag.empty() && tag != "!") refuse_tag(at, tag);
    if (open_.size() >= kMaxDepth) return too_deep(at);
    std::size_t first_node = nodes_;
    if (!count(at, 1)) return false;
    if (!anchor.empty()) anchors_.insert_or_assign(std::string(anchor), Anchored{{}, 0, 0, true});
    Node* node = add(make(at, kind));
    open_.push_back({node, std::string(anchor), first_node});
    path_.push_back(node);
    return true;
  }

  // Adds the keys of the maps that '<<' names, unless the map has them itself; the first of several maps goes before.
  bool merge(Node& map) {
    auto found = std::ranges::find(map.members, "<<", &Member::key);
    if (found == map.members.end()) return true;
    const Member merged = std::move(*found);
    map.members.erase(found);
    const Node& value = merged.value;
    std::span<const Node> sources = value.kind == Node::Kind::list ? std::span(value.items) : std::span(&value, 1);
    for (const Node& source : sources) {
      if (source.kind != Node::Kind::map) {
        document_.faults.push_back({{document_.file, merged.line, merged.column},
                                    "",
                                    "'<<' takes the alias of a map, such as `<<: *defaults`, or a list of them"});
        document_.complete = false;
        return false;
      }
      for (const Member& member : source.members) {
        if (map.find(member.key) == nullptr) map.members.push_back(member);
      }
    }
    return true;
  }

  void close() {
    Open closed = std::move(open_.back());
    open_.pop_back();
    path_.pop_back();
    if (!open_.empty()) open_.back().depth = std::max(open_.back().depth, closed.depth + 1);
    if (!closed.anchor.empty()) {
      anchors_.insert_or_assign(closed.anchor, Anchored{*closed.node, nodes_ - closed.first_node, closed.depth});
    }
  }

  Node* add(Node value) {
    if (open_.empty()) {
      document_.root = std::move(value);
      return &document_.root;
    }
    Open& parent = open_.back();
    if (parent.node->kind == Node::Kind::list) return &parent.node->items.emplace_back(std::move(value));
    parent.has_key = false;
    parent.node->members.back().value = std::move(value);
    return &parent.node->members.back().value;
  }

  Document& document_;
  // The maps and lists being read, outermost first. A parent's children grow only while no child of it is open, so the
  // pointers stay valid. path_ holds the same nodes.
  std::vector<Open> open_;
  std::vector<const Node*> path_;
  std::unordered_map<std::string, Anchored> anchors_;
  std::size_t nodes_ = 0;
  bool started_ = false;
};

// An error of libyaml, in words that help, and where to look.
struct Problem {
  std::string_view theirs;
  std::string_view ours;
  bool at_context = false;  // it is wrong where the list, key or quote begins, not where the reading ended
};
constexpr std::string_view kNoDash = "a '- ' where none can be; check the indentation, which must be spaces";
constexpr std::string_view kColonFirst = "a value that begins with ':' inside [ ] or { }; put it in quotes, like '::1'";
constexpr std::string_view kTab = "a tab in the indentation; use spaces";
constexpr std::array<Problem, 17> kProblems{{
    {"did not find expected alphabetic or numeric character",
     "a value that begins with '*' or '&'; put it in quotes, like '*:8080'", true},
    {"mapping values are not allowed in this context",
     "a ':' where none can be; check the indentation, or put the text in quotes"},
    {"did not find expected key", "expected a key of the map above; check the indentation"},
    {"did not find expected '-' indicator", "expected '- ' of the list above; check the indentation"},
    {"did not find expected ',' or ']'", "the list is not closed with ']'"},
    {"did not find expected ',' or '}'", "the map is not closed with '}'"},
    {"did not find expected node content", "a value is missing here; put the text in quotes if it is one"},
    {"did not find expected <document start>", "more after the end of the document; check the indentation"},
    {"could not find expected ':'", "expected a ': ' after this key; check the indentation, or put the text in quotes",
     true},
    {"found unexpected end of stream", "the quote is never closed", true},
    {"found unexpected document indicator", "the quote is never closed", true},
    {"found character that cannot start any token", "a character that starts no value; put the text in quotes"},
    {"block sequence entries are not allowed in this context", kNoDash},
    {"mapping keys are not allowed in this context", "a '? ' where none can be; check the indentation"},
    {"found a tab character where an indentation space is expected", kTab},
    {"found a tab character that violates indentation", kTab},
    {"found unknown escape character", "no such escape in double quotes; write \\\\ for a backslash"},
}};

// The text could not be decoded.
void add_reader_fault(const yaml_parser_t& parser, std::string_view text, Document& document) {
  std::size_t at = std::min(parser.problem_offset, text.size() - 1);
  // Where the sequence began that has a wrong byte in it.
  auto is_continuation = [&](std::size_t i) { return (static_cast<unsigned char>(text[i]) & 0xc0) == 0x80; };
  if (std::string_view(parser.problem).contains("trailing")) {
    do --at;
    while (at > 0 && is_continuation(at));
  }
  std::string_view before = text.substr(0, at);
  document.faults.push_back(
      {{document.file, static_cast<int>(std::ranges::count(before, '\n')) + 1,
        static_cast<int>(at - (before.rfind('\n') + 1)) + 1},  // npos + 1 is 0
       "",
       fmt::format("the byte 0x{:02x} is not allowed in YAML, which is UTF-8 without control bytes; an escape in "
                   "double quotes can stand for it",
                   static_cast<unsigned char>(text[at]))});
}

void add_syntax_fault(const yaml_parser_t& parser, std::string_view rest_of_text, Document& document) {
  std::string_view theirs = parser.problem == nullptr ? "out of memory" : parser.problem;
  const auto* known = std::ranges::find(kProblems, theirs, &Problem::theirs);
  bool is_known = known != kProblems.end();
  std::string_view ours = is_known ? known->ours : theirs;
  const yaml_mark_t& at = is_known && known->at_context ? parser.context_mark : parser.problem_mark;
  if (theirs == "found character that cannot start any token" && rest_of_text.starts_with('\t')) ours = kTab;
  if (theirs == "did not find expected node content" && rest_of_text.starts_with(':')) ours = kColonFirst;
  document.faults.push_back({{document.file, line_of(at), column_of(at)}, "", fmt::format("not YAML: {}", ours)});
}

// The part of `text` from the `line`-th line (from 0) and its `column`-th byte on.
std::string_view from_place(std::string_view text, const yaml_mark_t& mark) {
  std::size_t at = 0;
  for (std::size_t line = 0; line < mark.line; ++line) at = std::min(text.find('\n', at), text.size() - 1) + 1;
  return text.substr(std::min(at + mark.column, text.size()));
}

}  // namespace

Document parse_yaml(std::string_view text, const std::string& file) {
  Document document{.file = file, .root = {}, .faults = {}, .complete = true};
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  yaml_parser_t parser;
  if (yaml_parser_initialize(&parser) == 0) std::abort();  // out of memory
  std::unique_ptr<yaml_parser_t, decltype(&yaml_parser_delete)> parser_owner(&parser, yaml_parser_delete);
  yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
  yaml_parser_set_input_string(&parser, reinterpret_cast<const unsigned char*>(text.data()), text.size());
  TreeBuilder builder(document);
  bool ended = false;
  while (!ended && document.complete) {
    yaml_event_t event;
    if (yaml_parser_parse(&parser, &event) == 0) {
      document.complete = false;
      if (parser.error == YAML_READER_ERROR) {
        add_reader_fault(parser, text, document);
      } else {
        add_syntax_fault(parser, from_place(text, parser.problem_mark), document);
      }
      break;
    }
    std::unique_ptr<yaml_event_t, decltype(&yaml_event_delete)> event_owner(&event, yaml_event_delete);
    ended = event.type == YAML_STREAM_END_EVENT;
    builder.take(event);
  }
  return document;
}

}  // namespace weir::config
