#include "route/table.h"

#include "base/assert.h"
#include "route/path_rules.h"
#include "route/table_state.h"

namespace weir::route {

Table::Table(std::unique_ptr<State> state) : state_(std::move(state)) {}
Table::~Table() = default;

std::unique_ptr<Table> Table::compile(const config::Listener& listener) {
  auto state = std::make_unique<State>();
  state->routes.reserve(listener.routes.size());
  const http::PathRules paths = path_rules(listener.paths);
  for (const config::Route& route : listener.routes) state->routes.emplace_back(route, paths);
  state->index();
  return std::unique_ptr<Table>(new Table(std::move(state)));
}

std::uint32_t Table::find(const http::RequestHead& request, const base::IpAddress& client, base::Arena& arena) const {
  if (state_->routes.empty()) return kNoRoute;
  const State::Wanted wanted{request, request.routed_path, client, arena};
  return state_->find(wanted);
}

std::string_view Table::rewritten_target(std::uint32_t route, const http::RequestHead& request, const Values& values,
                                         base::Arena& arena) const {
  return state_->at(route).rewrite.target(request, values, arena);
}

std::optional<std::string_view> Table::rewritten_host(std::uint32_t route, const http::RequestHead& request,
                                                      const Values& values, base::Arena& arena) const {
  return state_->at(route).rewrite.host(request, values, arena);
}

std::string_view Table::redirect_location(std::uint32_t route, const http::RequestHead& request, const Values& values,
                                          base::Arena& arena) const {
  const CompiledRoute& compiled = state_->at(route);
  WEIR_ASSERT(compiled.location.has_value());
  return compiled.location->make(request, values, compiled.regex ? &*compiled.regex : nullptr, arena);
}

const HeaderChanges& Table::request_headers(std::uint32_t route) const { return state_->at(route).request_headers; }
const HeaderChanges& Table::response_headers(std::uint32_t route) const { return state_->at(route).response_headers; }

}  // namespace weir::route
