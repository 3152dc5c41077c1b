#include "route/name_table.h"

#include <algorithm>

#include "base/text.h"

namespace weir::route {

NameTable::NameTable(const config::Listener& listener) : listener_(listener) {
  for (std::uint32_t i = 0; i < listener.routes.size(); ++i) {
    const config::Match& match = listener.routes[i].match;
    if (match.host.empty()) any_.push_back(i);
    for (const std::string& pattern : match.host) {
      std::string name = base::to_lower(pattern);
      if (name.starts_with("*.")) {
        below_[name.substr(2)].push_back(i);
      } else {
        exact_[name].push_back(i);
      }
    }
  }
}

std::uint32_t NameTable::first_that_holds(const Indexes& candidates, std::span<const std::string> alpn,
                                          const base::IpAddress& client) const {
  for (std::uint32_t index : candidates) {
    const config::Match& match = listener_.routes[index].match;
    auto offered = [&](const std::string& wanted) { return std::ranges::find(alpn, wanted) != alpn.end(); };
    if (!match.alpn.empty() && std::ranges::none_of(match.alpn, offered)) continue;
    auto holds = [&](const base::Cidr& block) { return block.contains(client); };
    if (!match.client.empty() && std::ranges::none_of(match.client, holds)) continue;
    return index;
  }
  return kNoRoute;
}

std::uint32_t NameTable::find_in(const Names& names, std::string_view name, std::span<const std::string> alpn,
                                 const base::IpAddress& client) const {
  auto found = names.find(name);
  return found == names.end() ? kNoRoute : first_that_holds(found->second, alpn, client);
}

std::uint32_t NameTable::find(std::string_view server_name, std::span<const std::string> alpn,
                              const base::IpAddress& client) const {
  if (!server_name.empty()) {
    std::uint32_t route = find_in(exact_, server_name, alpn, client);
    for (std::size_t dot = server_name.find('.'); route == kNoRoute && dot != server_name.npos;
         dot = server_name.find('.', dot + 1)) {
      route = find_in(below_, server_name.substr(dot + 1), alpn, client);
    }
    if (route != kNoRoute) return route;
  }
  return first_that_holds(any_, alpn, client);
}

}  // namespace weir::route
