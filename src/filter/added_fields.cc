#include "filter/added_fields.h"

#include <cstdint>
#include <new>

namespace weir::filter {

void AddedFields::add(std::string_view name, std::string_view value, base::Arena& arena) {
  // The arena hands out bytes without alignment.
  char* room = arena.allocate(sizeof(Node) + alignof(Node) - 1);
  auto past = reinterpret_cast<std::uintptr_t>(room) % alignof(Node);
  if (past != 0) room += alignof(Node) - past;
  Node* node = new (room) Node{.field = {.name = name, .value = value, .id = http::header_id(name)}};
  if (first_ == nullptr) {
    first_ = node;
  } else {
    last_->next = node;
  }
  last_ = node;
}

}  // namespace weir::filter
