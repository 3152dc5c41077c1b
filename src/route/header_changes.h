// The header fields that a route adds, sets and removes, ready to apply while a head is written field by field.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/config.h"
#include "http/message.h"
#include "route/template.h"

namespace weir::route {

// Immutable after construction; may be used by all workers at once. Movable, not copyable: the fields view its texts.
//
// Writing a head with it: leave out every received field for which removes() is true, then write appended(). Fields of
// framing and of the connection (is_reserved) are the proxy's own: what the configuration says about them is ignored
// here and refused by config::validate. A byte that no field value may hold becomes a space.
class HeaderChanges {
 public:
  HeaderChanges() = default;
  // `use` says whether they are of requests or of responses: not all variables are known of both.
  HeaderChanges(const config::HeaderChanges& changes, config::TemplateUse use);
  HeaderChanges(HeaderChanges&&) noexcept = default;
  HeaderChanges& operator=(HeaderChanges&&) noexcept = default;

  bool empty() const { return removed_ids_ == 0 && removed_names_.empty() && appended_.empty(); }
  // True when a field of this name is removed or replaced. `field.id` must be set, as HeaderMap::add() does.
  bool removes(const http::HeaderField& field) const {
    if (field.id != http::HeaderId::other) return (removed_ids_ >> static_cast<unsigned>(field.id) & 1) != 0;
    return !removed_names_.empty() && removes_name(field.name);
  }
  // Calls write(name, value) for the fields to write after the received ones: those that are set, then those that are
  // added, in the order written. Names are lower case. Values with variables live in the arena; a field whose variables
  // give nothing at all is left out.
  template <typename Write>
  void append(const http::RequestHead& request, const Values& values, base::Arena& arena, Write&& write) const {
    for (const http::HeaderField& field : appended_) {
      const Template* text = templates_.empty() ? nullptr : template_of(field);
      if (text == nullptr) {
        write(field.name, field.value);
      } else if (const auto made = text->text(request, values, arena); made && !made->empty()) {
        write(field.name, *made);
      }
    }
  }

 private:
  bool removes_name(std::string_view name) const;
  void remove(std::string_view name);
  void append(std::string_view name, std::string_view value, config::TemplateUse use);
  const Template* template_of(const http::HeaderField& field) const;

  std::uint64_t removed_ids_ = 0;  // a bit for each HeaderId
  std::vector<std::string> removed_names_;
  std::vector<std::unique_ptr<const std::string>> texts_;  // what appended_ views
  std::vector<http::HeaderField> appended_;
  std::vector<std::pair<std::size_t, Template>> templates_;  // by index in appended_, whose value is empty then
};

// True for fields that no configuration may touch, because the proxy writes them itself: Host (there is rewrite.host)
// and those of framing and of the connection.
bool is_reserved(http::HeaderId id);

}  // namespace weir::route
