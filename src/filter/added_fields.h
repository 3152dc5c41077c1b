// Header fields that Weir adds to a head.
#pragma once

#include <string_view>

#include "base/arena.h"
#include "http/message.h"

namespace weir::filter {

// Fields in the order they were added. Nodes live in the exchange's arena; names and values there, or they are static.
class AddedFields {
 public:
  struct Node {
    http::HeaderField field;
    Node* next = nullptr;
  };
  class Iterator {
   public:
    explicit Iterator(const Node* node) : node_(node) {}
    const http::HeaderField& operator*() const { return node_->field; }
    Iterator& operator++() {
      node_ = node_->next;
      return *this;
    }
    bool operator==(const Iterator&) const = default;

   private:
    const Node* node_;
  };

  void add(std::string_view name, std::string_view value, base::Arena& arena);
  bool empty() const { return first_ == nullptr; }
  Iterator begin() const { return Iterator(first_); }
  Iterator end() const { return Iterator(nullptr); }

 private:
  Node* first_ = nullptr;
  Node* last_ = nullptr;
};

}  // namespace weir::filter
