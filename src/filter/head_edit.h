// The changes of filters to a head that is on its way.
#pragma once

#include <algorithm>
#include <string_view>

#include "base/text.h"
#include "filter/added_fields.h"

namespace weir::filter {

// Names are lower case. Memory as AddedFields.
class HeadEdit {
 public:
  explicit HeadEdit(base::Arena& arena) : arena_(arena) {}

  // Received fields of that name do not go on, nor those with '_' in place of '-': many backends read both alike.
  void remove(std::string_view name) { removed_.add(name, {}, arena_); }
  void add(std::string_view name, std::string_view value) { added_.add(name, value, arena_); }
  // In place of all fields of that name.
  void set(std::string_view name, std::string_view value) {
    remove(name);
    add(name, value);
  }

  bool removes(const http::HeaderField& field) const {
    for (const http::HeaderField& removed : removed_) {
      if (are_read_alike(removed.name, field.name)) return true;
    }
    return false;
  }
  void clear() { removed_ = added_ = AddedFields(); }
  const AddedFields& added() const { return added_; }

 private:
  static bool are_read_alike(std::string_view one, std::string_view other) {
    auto plain = [](char c) { return c == '_' ? '-' : base::ascii_lower(c); };
    return std::ranges::equal(one, other, {}, plain, plain);
  }

  base::Arena& arena_;
  AddedFields removed_;
  AddedFields added_;
};

}  // namespace weir::filter
