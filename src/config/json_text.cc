// Reads JSON through nlohmann's event interface; nothing else in this folder knows that library.
#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "config/document.h"

namespace weir::config {
namespace {

using Json = nlohmann::json;

// Builds the tree. Every function returns whether to go on.
class TreeBuilder final : public nlohmann::json_sax<Json> {
 public:
  TreeBuilder(std::string_view text, Document& document) : text_(text), document_(document) {}

  bool null() override { return add({}) != nullptr; }
  bool boolean(bool value) override { return add(Node::of_literal(value ? "true" : "false")) != nullptr; }
  bool number_integer(number_integer_t value) override {
    return add(Node::of_literal(fmt::to_string(value))) != nullptr;
  }
  bool number_unsigned(number_unsigned_t value) override {
    return add(Node::of_literal(fmt::to_string(value))) != nullptr;
  }
  bool number_float(number_float_t, const string_t& written) override {
    return add(Node::of_literal(written)) != nullptr;
  }
  bool string(string_t& value) override { return add(Node::of_text(value)) != nullptr; }
  bool binary(binary_t&) override { return stop("binary values are no JSON"); }

  bool start_object(std::size_t) override { return open(Node::of_map()); }
  bool key(string_t& value) override {
    open_.back()->members.push_back({.key = value, .line = 0, .column = 0, .value = {}});
    return true;
  }
  bool end_object() override {
    drop_duplicates(*open_.back(), std::vector<const Node*>(open_.begin(), open_.end()), document_.file,
                    document_.faults);
    open_.pop_back();
    return true;
  }
  bool start_array(std::size_t) override { return open(Node::of_list()); }
  bool end_array() override {
    open_.pop_back();
    return true;
  }

  bool parse_error(std::size_t position, const std::string&, const Json::exception& error) override {
    std::string_view before = text_.substr(0, std::min(text_.size(), position > 0 ? position - 1 : 0));
    auto line = static_cast<int>(std::ranges::count(before, '\n')) + 1;
    auto column = static_cast<int>(before.size() - (before.rfind('\n') + 1)) + 1;  // npos + 1 is 0
    // "[json.exception.parse_error.101] parse error at line 1, column 2: syntax error while ..."
    std::string_view what = error.what();
    if (auto after_place = what.find("syntax error"); after_place != std::string_view::npos) {
      what.remove_prefix(after_place);
    }
    document_.faults.push_back({{document_.file, line, column}, "", fmt::format("not JSON: {}", what)});
    document_.complete = false;
    return false;
  }

 private:
  bool stop(std::string message) {
    document_.faults.push_back({{document_.file, 0, 0}, "", std::move(message)});
    document_.complete = false;
    return false;
  }
  Node* add(Node value) {
    if (++nodes_ > kMaxNodes) {
      stop(fmt::format("more than {} values", kMaxNodes));
      return nullptr;
    }
    if (open_.empty()) {
      document_.root = std::move(value);
      return &document_.root;
    }
    Node& parent = *open_.back();
    if (parent.kind == Node::Kind::list) return &parent.items.emplace_back(std::move(value));
    parent.members.back().value = std::move(value);
    return &parent.members.back().value;
  }
  bool open(Node value) {
    if (open_.size() >= kMaxDepth) return stop(fmt::format("nested deeper than {} levels", kMaxDepth));
    Node* added = add(std::move(value));
    if (added == nullptr) return false;
    open_.push_back(added);
    return true;
  }

  std::string_view text_;
  Document& document_;
  // The maps and lists being read, outermost first. A parent's children grow only while no child of it is open, so the
  // pointers stay valid.
  std::vector<Node*> open_;
  std::size_t nodes_ = 0;
};

}  // namespace

Document parse_json(std::string_view text, const std::string& file) {
  Document document{.file = file, .root = {}, .faults = {}, .complete = true};
  TreeBuilder builder(text, document);
  try {
    if (!Json::sax_parse(text.begin(), text.end(), &builder)) document.complete = false;
  } catch (const std::exception& error) {
    document.faults.push_back({{file, 0, 0}, "", fmt::format("not JSON: {}", error.what())});
    document.complete = false;
  }
  return document;
}

}  // namespace weir::config
