// Reads YAML through yaml-cpp's event interface; nothing else in this folder knows that library or catches what it
// throws. The events give every position and cost a third of yaml-cpp's own nodes.
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

class TreeBuilder final : public YAML::EventHandler {
 public:
  explicit TreeBuilder(Document& document) : document_(document) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (started_) throw Stop{mark.line + 1, mark.column + 1, "a second document; a file holds one"};
    started_ = true;
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { scalar(mark, Node::Kind::null, "", anchor); }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    bool plain = tag == "?";
    if (!plain && tag != "!" && tag != "tag:yaml.org,2002:str") refuse_tag(mark, tag);
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
    drop_duplicates(*open_.back().node, document_.file, document_.faults);
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
  TreeBuilder builder(document);
  try {
    std::ispanstream stream(std::span(text.data(), text.size()));
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const Stop& reason) {
    stop(reason.line, reason.column, reason.message);
  } catch (const YAML::Exception& error) {
    bool placed = !error.mark.is_null();
    stop(placed ? error.mark.line + 1 : 0, placed ? error.mark.column + 1 : 0,
         fmt::format("not YAML: {}", error.msg == YAML::ErrorMsg::BAD_FILE ? "nested too deeply" : error.msg));
  } catch (const std::exception& error) {
    stop(0, 0, fmt::format("not YAML: {}", error.what()));
  }
  return document;
}

}  // namespace weir::config
