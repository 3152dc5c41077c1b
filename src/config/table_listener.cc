// Listeners.
#include <array>

#include "config/codecs.h"

namespace weir::config {
namespace {

constexpr std::array kFields{
    field<&Listener::name>("name", "what metrics, logs and the API call it", {.required = true}),
    field<&Listener::address>("address", "address:port; *:port for every address of both families", {.required = true}),
    field<&Listener::protocol>("protocol", "what clients speak"),
    field<&Listener::routes>("routes", "which pool or action takes which request"),
    field<&Listener::pool>("pool", "takes what no route takes; without it: 404"),
    field<&Listener::timeouts>("timeouts", "timeouts that differ here"),
    field<&Listener::limits>("limits", "what a client may send"),
    field<&Listener::udp>("udp", "flows of a listener with protocol udp"),
    field<&Listener::trusted_proxies>("trusted_proxies", "peers whose X-Forwarded-* and X-Request-Id are believed"),
    field<&Listener::via>("via", "the name for Via; without it none is added"),
    field<&Listener::http_1_0_keep_alive>("http_1_0_keep_alive", "keep connections of HTTP/1.0 clients that ask"),
    field<&Listener::tls>("tls", "certificates and rules of TLS; for https, and for tcp that is to be decrypted"),
    field<&Listener::redirect_to_https>("redirect_to_https",
                                        "on an http listener: what no route takes is redirected to https on this port"),
    origin_field<Listener>(),
};

constexpr std::array kRefused{
    RefusedKey{"http2", "this build does not offer HTTP/2 yet; remove the key"},
};

void finish(Reader&, const Node&, void* object) {
  auto& listener = *static_cast<Listener*>(object);
  if (listener.address.starts_with(':')) listener.address.insert(0, "*");
  for (std::size_t i = 0; i < listener.routes.size(); ++i) {
    std::string& name = listener.routes[i].name;
    if (name.empty()) name = fmt::format("{}/{}", listener.name, i + 1);
  }
}

}  // namespace

template <>
std::span<const std::string_view> value_names<ListenerProtocol>() {
  static constexpr std::array<std::string_view, 5> kNames{"http", "https", "tcp", "tls", "udp"};
  return kNames;
}

template <>
const Resource& resource<Listener>() {
  static constexpr Resource kResource{.name = "listener",
                                      .summary = "an address and protocol that Weir accepts traffic on",
                                      .fields = kFields,
                                      .refused = kRefused,
                                      .defaults = defaults_of<Listener>,
                                      .finish = finish};
  return kResource;
}

}  // namespace weir::config
