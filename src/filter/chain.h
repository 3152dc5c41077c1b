// The filters of one listener, each route with its own.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "filter/filter.h"

namespace weir::filter {

// The filters that requests of one route go through, in the order of filters.def.
class Chain {
 public:
  struct Part {
    config::Choice choice;
    std::vector<std::shared_ptr<const std::string>> texts;  // of the files that it was made with
    std::shared_ptr<const Filter> filter;
  };
  explicit Chain(std::vector<Part> parts) : parts_(std::move(parts)) {}
  const std::vector<Part>& parts() const { return parts_; }
  std::size_t size() const { return parts_.size(); }
  const Filter& operator[](std::size_t index) const { return *parts_[index].filter; }

 private:
  std::vector<Part> parts_;
};

// Immutable, any thread.
class Chains {
 public:
  // Makes what is not `previous` made of the same already. `setting.file` and `previous` are set here for
  // each. `text_of` has the file at that path.
  using TextOf = std::function<std::shared_ptr<const std::string>(const std::string& path)>;
  Chains(const config::Listener& listener, const Setting& setting, const TextOf& text_of, const Chains* previous);

  // Null: there are no filters.
  const Chain* of_route(std::uint32_t index) const {
    return index < of_route_.size() ? of_route_[index].get() : of_listener_.get();
  }
  // No route and no listener has any.
  bool empty() const;

 private:
  std::vector<std::string> names_;  // of the routes
  std::vector<std::shared_ptr<const Chain>> of_route_;
  std::shared_ptr<const Chain> of_listener_;  // for requests that no route takes, or that are refused before
};

// The filters of the listener in the order of filters.def, with those that have a key of their own: limits.body_bytes
// is `body`, tls.hsts is `hsts`.
std::vector<config::FilterSetting> settings_of(const config::Listener& listener);
// The same of a route, in place of the listener's.
std::vector<config::FilterSetting> settings_of(const config::Listener& listener, const config::Route& route);

}  // namespace weir::filter
