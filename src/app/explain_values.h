// Values of variables for the request that `weir explain` makes up.
#pragma once

#include <fmt/format.h>
#include <string>

#include "base/arena.h"
#include "exchange/forwarded.h"
#include "route/template.h"

namespace weir::app {

// Knows the TLS server name, but no other fact of TLS, no request id and no backend: these need traffic.
// Borrows everything it is made from.
class ExplainValues final : public route::Values {
 public:
  ExplainValues(const config::Listener& listener, const exchange::Forwarded& forwarded, std::string_view server_name,
                std::uint16_t port)
      : listener_(listener), forwarded_(forwarded), server_name_(server_name), port_(port) {}
  void of_route(const config::Route& route) { route_ = &route; }

  std::string_view value(config::Variable variable, base::Arena& arena) const override {
    using enum config::Variable;
    switch (variable) {
      case client:
        return exchange::address_text(forwarded_.client, arena);
      case scheme:
        return forwarded_.forwarded_proto;
      case listener:
        return listener_.name;
      case listener_port:
        return exchange::port_text(port_, arena);
      case route:
        return route_ != nullptr ? std::string_view(route_->name) : std::string_view();
      case pool:
        return route_ != nullptr ? std::string_view(route_->pool) : std::string_view();
      case tls_sni:
        return listener_.protocol == config::ListenerProtocol::https ? server_name_ : std::string_view();
      default:
        return {};
    }
  }

 private:
  const config::Listener& listener_;
  const exchange::Forwarded& forwarded_;
  std::string_view server_name_;
  std::uint16_t port_;
  const config::Route* route_ = nullptr;
};

}  // namespace weir::app
