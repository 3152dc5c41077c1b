// Reads YAML through yaml-cpp's event interface; nothing else in this folder knows that library or catches what it
// throws. The events give every position and cost a third of yaml-cpp's own nodes.
#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <spanstream>
#include <unordered_map>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include "config/document.h"

namespace weir::config {
namespace {

// Ends the parse; yaml-cpp offers no other way out of an event.
struct Stop {
  int line;
  int column;
  std::string message;
};

// What yaml-cpp says, in words that help.
std::string explained(const std::string& message) {
  const std::array<std::pair<std::string_view, std::string_view>, 10> table{{
      {YAML::ErrorMsg::MAP_VALUE, "a ':' where none can be; check the indentation, or put the text in quotes"},
      {YAML::ErrorMsg::END_OF_MAP, "expected a key of the map above; check the indentation"},
      {YAML::ErrorMsg::END_OF_SEQ, "expected '- ' of the list above; check the indentation"},
      {YAML::ErrorMsg::END_OF_SEQ_FLOW, "the list is not closed with ']'"},
      {YAML::ErrorMsg::END_OF_MAP_FLOW, "the map is not closed with '}'"},
      {YAML::ErrorMsg::EOF_IN_SCALAR, "the quote is never closed"},
      {YAML::ErrorMsg::TAB_IN_INDENTATION, "a tab in the indentation; use spaces"},
      {YAML::ErrorMsg::BLOCK_ENTRY, "a '- ' where none can be; check the indentation, which must be spaces"},
      {YAML::ErrorMsg::UNKNOWN_TOKEN, "a character that starts no value; put the text in quotes"},
      {YAML::ErrorMsg::BAD_FILE, "nested too deeply"},
  }};
  for (const auto& [theirs, ours] : table) {
    if (message == theirs) return fmt::format("not YAML: {}", ours);
  }
  return fmt::format("not YAML: {}", message);
}

// True when the quoted scalar that begins at `text` has its closing quote. yaml-cpp takes the rest of the file for a
// scalar whose quote is never closed.
bool is_closed(std::string_view text) {
  char quote = text.front();
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (quote == '"' && text[i] == '\\') {
      ++i;
    } else if (text[i] == quote) {
      bool doubled = quote == '\'' && i + 1 < text.size() && text[i + 1] == quote;
      if (!doubled) return true;
      ++i;
    }
  }
  return false;
}

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

// Length of the UTF-8 sequence that `text` begins with; 0 when it is none (RFC 3629) or a control byte that YAML does
// not allow. yaml-cpp lets both through, and takes 0x04 for the end of the file.
std::size_t allowed_length(std::string_view text) {
  auto first = static_cast<unsigned char>(text.front());
  if (first < 0x80) return (first < 0x20 && first != '\t' && first != '\n' && first != '\r') || first == 0x7f ? 0 : 1;
  std::size_t length = first < 0xc2 || first > 0xf4 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (length == 0 || text.size() < length || !std::ranges::all_of(text.substr(1, length - 1), is_continuation))
    return 0;
  auto second = static_cast<unsigned char>(text[1]);
  bool overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
  bool surrogate = first == 0xed && second > 0x9f;
  bool too_large = first == 0xf4 && second > 0x8f;
  return overlong || surrogate || too_large ? 0 : length;
}

// Where the first byte is that must not be in a text; its size when there is none.
std::size_t find_forbidden_byte(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    std::size_t length = allowed_length(text.substr(at));
    if (length == 0) break;
    at += length;
  }
  return at;
}

class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(std::string_view text, Document& document) : text_(text), document_(document) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (started_)
      throw Stop{mark.line + 1, mark.column + 1, "more after the end of the document; a file holds one document"};
    started_ = true;
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { scalar(mark, Node::Kind::null, "", anchor); }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    bool plain = tag == "?";
    if (!plain && tag != "!" && tag != "tag:yaml.org,2002:str") refuse_tag(mark, tag);
    if (!plain) refuse_unclosed(mark);
    scalar(mark, plain ? Node::Kind::plain : Node::Kind::text, value, anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    auto found = anchors_.find(anchor);
    if (found == anchors_.end()) throw Stop{mark.line + 1, mark.column + 1, "an alias inside what it stands for"};
    if (expects_key()) throw Stop{mark.line + 1, mark.column + 1, "an alias as a key; write the key out"};
    count(mark, found->second.nodes);
    if (open_.size() + found->second.depth > kMaxDepth) too_deep(mark);
    std::size_t depth = found->second.depth;
    if (!open_.empty()) open_.back().depth = std::max(open_.back().depth, depth + 1);
    add(found->second.node);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, Node::Kind::list, tag, anchor);
  }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, Node::Kind::map, tag, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapEnd() override {
    std::vector<const Node*> open;
    for (const Open& each : open_) open.push_back(each.node);
    drop_duplicates(*open_.back().node, open, document_.file, document_.faults);
    close();
  }

 private:
  struct Open {
    Node* node;
    YAML::anchor_t anchor;
    std::size_t first_node;  // nodes_ when it was opened
    std::size_t depth = 1;   // of its deepest value, itself counted
    bool has_key = false;    // of a map: the key is read, its value is not
  };
  struct Anchored {
    Node node;
    std::size_t nodes;
    std::size_t depth;
  };

  bool expects_key() const {
    return !open_.empty() && open_.back().node->kind == Node::Kind::map && !open_.back().has_key;
  }
  void count(const YAML::Mark& mark, std::size_t more) {
    nodes_ += more;
    if (nodes_ <= kMaxNodes) return;
    throw Stop{mark.line + 1, mark.column + 1, fmt::format("more than {} values, aliases expanded", kMaxNodes)};
  }
  [[noreturn]] static void too_deep(const YAML::Mark& mark) {
    throw Stop{mark.line + 1, mark.column + 1, fmt::format("nested deeper than {} levels", kMaxDepth)};
  }
  void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
    document_.faults.push_back({{document_.file, mark.line + 1, mark.column + 1},
                                "",
                                fmt::format("the tag '{}' has no meaning here; remove it", tag)});
  }
  void refuse_unclosed(const YAML::Mark& mark) {
    std::string_view rest = text_.substr(std::min(text_.size(), static_cast<std::size_t>(std::max(mark.pos, 0))));
    bool quote = rest.starts_with('\'') || rest.starts_with('"');
    if (quote && !is_closed(rest)) throw Stop{mark.line + 1, mark.column + 1, "the quote is never closed"};
  }
  static Node make(const YAML::Mark& mark, Node::Kind kind) {
    Node node;
    node.kind = kind;
    node.line = mark.line + 1;
    node.column = mark.column + 1;
    return node;
  }
  void scalar(const YAML::Mark& mark, Node::Kind kind, const std::string& value, YAML::anchor_t anchor) {
    count(mark, 1);
    if (expects_key()) {
      if (value == "<<") {
        throw Stop{mark.line + 1, mark.column + 1, "merge keys ('<<') are not read; write the keys out"};
      }
      open_.back().node->members.push_back(
          {.key = value, .line = mark.line + 1, .column = mark.column + 1, .value = {}});
      open_.back().has_key = true;
      return;
    }
    Node node = make(mark, kind);
    node.scalar = value;
    if (anchor != 0) anchors_.insert_or_assign(anchor, Anchored{node, 1, 0});
    add(std::move(node));
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
  void open(const YAML::Mark& mark, Node::Kind kind, const std::string& tag, YAML::anchor_t anchor) {
    if (expects_key()) throw Stop{mark.line + 1, mark.column + 1, "a key must be a word, not a list or map"};
    if (tag != "?" && tag != "!" && !tag.empty()) refuse_tag(mark, tag);
    if (open_.size() >= kMaxDepth) too_deep(mark);
    std::size_t first_node = nodes_;
    count(mark, 1);
    Node* node = add(make(mark, kind));
    open_.push_back({node, anchor, first_node});
  }
  void close() {
    Open closed = open_.back();
    open_.pop_back();
    if (!open_.empty()) open_.back().depth = std::max(open_.back().depth, closed.depth + 1);
    if (closed.anchor != 0) {
      anchors_.insert_or_assign(closed.anchor, Anchored{*closed.node, nodes_ - closed.first_node, closed.depth});
    }
  }

  std::string_view text_;
  Document& document_;
  // The maps and lists being read, outermost first. A parent's children grow only while no child of it is open, so the
  // pointers stay valid.
  std::vector<Open> open_;
  std::unordered_map<YAML::anchor_t, Anchored> anchors_;
  std::size_t nodes_ = 0;
  bool started_ = false;
};

}  // namespace

Document parse_yaml(std::string_view text, const std::string& file) {
  Document document{.file = file, .root = {}, .faults = {}, .complete = true};
  auto stop = [&](int line, int column, std::string message) {
    document.faults.push_back({{file, line, column}, "", std::move(message)});
    document.complete = false;
  };
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  if (std::size_t at = find_forbidden_byte(text); at < text.size()) {
    std::string_view before = text.substr(0, at);
    stop(static_cast<int>(std::ranges::count(before, '\n')) + 1,
         static_cast<int>(at - (before.rfind('\n') + 1)) + 1,  // npos + 1 is 0
         fmt::format("the byte 0x{:02x} is not allowed in YAML, which is UTF-8 without control bytes; an escape in "
                     "double quotes can stand for it",
                     static_cast<unsigned char>(text[at])));
    return document;
  }
  TreeBuilder builder(text, document);
  try {
    std::ispanstream stream(std::span(text.data(), text.size()));
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const Stop& reason) {
    stop(reason.line, reason.column, reason.message);
  } catch (const YAML::Exception& error) {
    bool placed = !error.mark.is_null();
    stop(placed ? error.mark.line + 1 : 0, placed ? error.mark.column + 1 : 0, explained(error.msg));
  } catch (const std::exception& error) {
    stop(0, 0, fmt::format("not YAML: {}", error.what()));
  }
  return document;
}

}  // namespace weir::config
