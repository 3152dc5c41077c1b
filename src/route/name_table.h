// Which route takes a TLS connection that passes through: by server name, protocols offered (ALPN) and client address.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/ip.h"
#include "config/config.h"
#include "route/table.h"

namespace weir::route {

// Immutable; any thread. An exact name goes before "*.example", a longer one of these before a shorter, and both before
// routes without a name; among those of one name, the first in the configuration whose other conditions hold.
class NameTable {
 public:
  // `listener` is borrowed and outlives this.
  explicit NameTable(const config::Listener& listener);
  // The index of the route, or kNoRoute. `server_name` is in lower case, without a dot at its end; empty for none.
  std::uint32_t find(std::string_view server_name, std::span<const std::string> alpn,
                     const base::IpAddress& client) const;

 private:
  using Indexes = std::vector<std::uint32_t>;
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  using Names = std::unordered_map<std::string, Indexes, Hash, std::equal_to<>>;
  std::uint32_t first_that_holds(const Indexes& candidates, std::span<const std::string> alpn,
                                 const base::IpAddress& client) const;
  std::uint32_t find_in(const Names& names, std::string_view name, std::span<const std::string> alpn,
                        const base::IpAddress& client) const;

  const config::Listener& listener_;
  Names exact_;
  Names below_;  // by what follows "*."
  Indexes any_;
};

}  // namespace weir::route
