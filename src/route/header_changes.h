// The header fields that a route adds, sets and removes, ready to apply while a head is written field by field.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "http/message.h"

namespace weir::route {

// Immutable after construction; may be used by all workers at once. Movable, not copyable: the fields view its texts.
//
// Writing a head with it: leave out every received field for which removes() is true, then write appended(). Fields of
// framing and of the connection (is_reserved) are the proxy's own: what the configuration says about them is ignored
// here and refused by config::validate. Values are literal; a byte that no field value may hold becomes a space.
class HeaderChanges {
 public:
  HeaderChanges() = default;
  explicit HeaderChanges(const config::HeaderChanges& changes);
  HeaderChanges(HeaderChanges&&) noexcept = default;
  HeaderChanges& operator=(HeaderChanges&&) noexcept = default;

  bool empty() const { return removed_ids_ == 0 && removed_names_.empty() && appended_.empty(); }
  // True when a field of this name is removed or replaced. `field.id` must be set, as HeaderMap::add() does.
  bool removes(const http::HeaderField& field) const {
    if (field.id != http::HeaderId::other) return (removed_ids_ >> static_cast<unsigned>(field.id) & 1) != 0;
    return !removed_names_.empty() && removes_name(field.name);
  }
  // The fields to write after the received ones: those that are set, then those that are added, in the order written.
  // Names are lower case.
  std::span<const http::HeaderField> appended() const { return appended_; }

 private:
  bool removes_name(std::string_view name) const;
  void remove(std::string_view name);
  void append(std::string_view name, std::string_view value);

  std::uint64_t removed_ids_ = 0;  // a bit for each HeaderId
  std::vector<std::string> removed_names_;
  std::vector<std::unique_ptr<const std::string>> texts_;  // what appended_ views
  std::vector<http::HeaderField> appended_;
};

// True for fields that no configuration may touch, because the proxy writes them itself: Host (there is rewrite.host)
// and those of framing and of the connection.
bool is_reserved(http::HeaderId id);

}  // namespace weir::route
