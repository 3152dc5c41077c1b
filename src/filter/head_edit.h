// The changes of filters to a head that is on its way.
#pragma once

#include <string_view>

#include "base/text.h"
#include "filter/added_fields.h"

namespace weir::filter {

// Names are lower case. Memory as AddedFields.
class HeadEdit {
 public:
  explicit HeadEdit(base::Arena& arena) : arena_(arena) {}

  // No field of that name goes on, but those that are added.
  void remove(std::string_view name) { removed_.add(name, {}, arena_); }
  void add(std::string_view name, std::string_view value) { added_.add(name, value, arena_); }
  // In place of all fields of that name.
  void set(std::string_view name, std::string_view value) {
    remove(name);
    add(name, value);
  }

  bool removes(const http::HeaderField& field) const {
    for (const http::HeaderField& removed : removed_) {
      bool is_known = removed.id != http::HeaderId::other || field.id != http::HeaderId::other;
      if (is_known ? removed.id == field.id : base::equal_ignoring_case(removed.name, field.name)) return true;
    }
    return false;
  }
  void clear() { removed_ = added_ = AddedFields(); }
  const AddedFields& added() const { return added_; }

 private:
  base::Arena& arena_;
  AddedFields removed_;
  AddedFields added_;
};

}  // namespace weir::filter
