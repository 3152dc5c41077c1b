// Listeners.
#include <array>

#include "config/codecs.h"

namespace weir::config {
namespace {

constexpr std::array kHttp2Fields{
    field<&Http2::enabled>("enabled", "clients of a plain listener may begin with HTTP/2 (prior knowledge)"),
    field<&Http2::max_streams>("max_streams", "requests at once on one connection", {.min = 1, .max = 10'000}),
    field<&Http2::stream_window>("stream_window", "bytes of a request body that may wait for their backend, at first",
                                 {.min = 16 * 1024, .max = 16 * 1024 * 1024, .unit = Unit::bytes}),
    field<&Http2::max_stream_window>("max_stream_window", "the same once the backend keeps up",
                                     {.min = 16 * 1024, .max = 64 * 1024 * 1024, .unit = Unit::bytes}),
    field<&Http2::window_growth>("window_growth", "by how much the windows of a connection may have grown together",
                                 {.max = 1024.0 * 1024 * 1024, .unit = Unit::bytes}),
    field<&Http2::max_resets>("max_resets",
                              "requests that may be cancelled early in a burst; a tenth of it each second",
                              {.min = 10, .max = 1'000'000}),
    field<&Http2::max_connection_age>("max_connection_age", "then clients are asked to open a new connection; 0: never",
                                      {.max = kMaxTimeoutMs}),
    field<&Http2::max_connection_age_jitter>("max_connection_age_jitter", "share of the age, at random more or less",
                                             {.max = 0.5, .unit = Unit::share}),
};

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
    field<&Listener::http2>("http2",
                            "HTTP/2: true lets clients of a plain listener begin with it; with TLS it is by ALPN"),
    origin_field<Listener>(),
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
const Resource& resource<Http2>() {
  static constexpr Resource kResource{.name = "http2",
                                      .summary = "HTTP/2 to clients",
                                      .fields = kHttp2Fields,
                                      .short_key = "enabled",
                                      .off_key = "enabled",
                                      .defaults = defaults_of<Http2>};
  return kResource;
}

template <>
const Resource& resource<Listener>() {
  static constexpr Resource kResource{.name = "listener",
                                      .summary = "an address and protocol that Weir accepts traffic on",
                                      .fields = kFields,
                                      .defaults = defaults_of<Listener>,
                                      .finish = finish};
  return kResource;
}

}  // namespace weir::config
