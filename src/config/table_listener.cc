// Listeners.
#include <array>

#include "config/filter_fields.h"

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
    field<&Http2::max_connection_age>("max_connection_age", "the listener's, for HTTP/2 alone; 0: that one",
                                      {.max = kMaxTimeoutMs}),
    field<&Http2::max_connection_age_jitter>("max_connection_age_jitter", "share of the age, at random more or less",
                                             {.max = 0.5, .unit = Unit::share}),
};

constexpr std::array kSocketFields{
    field<&SocketOptions::backlog>("backlog", "finished handshakes that wait to be accepted",
                                   {.min = 1, .max = 1'000'000}),
    field<&SocketOptions::reuse_port>("reuse_port",
                                      "a socket for each worker, between which the kernel spreads connections; false: "
                                      "one socket that the workers share"),
    field<&SocketOptions::tcp_fastopen>(
        "tcp_fastopen", "handshakes with data that may be under way (TCP Fast Open); 0: none", {.max = 1'000'000}),
    field<&SocketOptions::defer_accept>("defer_accept",
                                        "accept a connection when its first bytes are there, or after this; 0: at once",
                                        {.max = 3'600'000}),
    field<&SocketOptions::tcp_keepalive>("tcp_keepalive",
                                         "silence after which the peer is asked whether it is there; 0: never; by "
                                         "default 60s where protocol is tcp or tls, else never",
                                         {.max = 7'200'000}),
};

constexpr std::array kPathFields{
    field<&Paths::merge_slashes>("merge_slashes", "take several slashes in a row for one"),
    field<&Paths::encoded_slash>("encoded_slash",
                                 "an encoded slash (%2F): refuse it with 400, decode it, or keep it as a part of its "
                                 "segment; an encoded backslash is refused unless it is kept"),
    field<&Paths::parameters>("parameters",
                              "what follows a ';' in a segment: routes ignore it, keep it as a part of the segment, or "
                              "it is refused with 400"),
};

constexpr std::array kForwardFields{
    field<&Forward::real_ip>("real_ip", "X-Real-IP: the client's address"),
    field<&Forward::port>("port",
                          "X-Forwarded-Port: the port that the client connected to, or what a trusted peer says"),
};

// One address or a list; kept as they are written, with commas between them.
constexpr Field address_field() {
  Field made = field<&Listener::address>(
      "address", "address:port, or several; *:port for every address of both families; 5000-5010 for a range of ports",
      {.required = true});
  made.read = [](Reader& reader, const Node& node, void* object, const Field& self) {
    std::vector<std::string> each;
    Codec<std::vector<std::string>>::read(reader, node, each, self);
    std::string& address = static_cast<Listener*>(object)->address;
    for (const std::string& one : each) address += (address.empty() ? "" : ",") + one;
  };
  made.schema = [](const Field& self, SchemaBuilder& builder) {
    return Codec<std::vector<std::string>>::schema(self, builder);
  };
  return made;
}

// HTTP/2 is a key of its own.
constexpr Field protocol_field() {
  Field made = field<&Listener::protocol>("protocol", "what clients speak");
  made.read = [](Reader& reader, const Node& node, void* object, const Field& self) {
    if (node.is_scalar() && (node.scalar == "http2" || node.scalar == "h2" || node.scalar == "h2c")) {
      reader.fault(node, fmt::format("{} is no protocol of a listener; use `protocol: https`, or `protocol: http` with "
                                     "`http2: true`",
                                     quoted(node.scalar)));
      return;
    }
    Codec<ListenerProtocol>::read(reader, node, static_cast<Listener*>(object)->protocol, self);
  };
  return made;
}

constexpr std::array kFields{
    field<&Listener::name>("name", "what metrics, logs and the API call it", {.required = true}),
    address_field(),
    protocol_field(),
    field<&Listener::routes>("routes", "which pool or action takes which request"),
    field<&Listener::pool>("pool", "takes what no route takes; without it: 404"),
    field<&Listener::timeouts>("timeouts", "timeouts that differ here"),
    field<&Listener::min_rate>("min_rate", "how slowly a client may send and read bodies"),
    field<&Listener::limits>("limits", "what a client may send"),
    field<&Listener::paths>("paths", "what is made of paths before routes compare them and backends get them"),
    field<&Listener::udp>("udp", "flows of a listener with protocol udp"),
    field<&Listener::socket>("socket", "the listening sockets"),
    field<&Listener::allow>("allow", "clients that may connect; without it all may; never empty", {.filled = true}),
    field<&Listener::deny>("deny", "clients that may not connect, even where `allow` names them"),
    field<&Listener::proxy_protocol>("proxy_protocol",
                                     "PROXY headers (version 1 or 2) of trusted_proxies, which name the client"),
    field<&Listener::trusted_proxies>(
        "trusted_proxies",
        "peers whose X-Forwarded-*, Forwarded, X-Real-IP, X-Request-Id and PROXY header are accepted"),
    field<&Listener::forward>("forward", "further headers about the client that backends get"),
    field<&Listener::filters>("filters", "what its requests go through before their route: `weir help filters`"),
    field<&Listener::via>("via", "the name for Via; without it none is added"),
    field<&Listener::http_1_0_keep_alive>("http_1_0_keep_alive", "keep connections of HTTP/1.0 clients that ask"),
    field<&Listener::tls>("tls", "certificates and rules of TLS; for https, and for tcp that is to be decrypted"),
    field<&Listener::redirect_to_https>(
        "redirect_to_https",
        "on an http listener: what no route takes is redirected to https on this port, unless a "
        "trusted proxy says that the client used https"),
    field<&Listener::http2>("http2",
                            "HTTP/2: true lets clients of a plain listener begin with it; with TLS it is by ALPN"),
    field<&Listener::max_connection_age>("max_connection_age",
                                         "age at which HTTP clients are asked to open a new connection; 0: never",
                                         {.max = kMaxTimeoutMs}),
    field<&Listener::max_connection_age_jitter>("max_connection_age_jitter", "share of the age, at random more or less",
                                                {.max = 0.5, .unit = Unit::share}),
    origin_field<Listener>(),
};

void finish(Reader&, const Node&, void* object) {
  auto& listener = *static_cast<Listener*>(object);
  std::string& address = listener.address;
  std::erase(address, ' ');
  for (std::size_t comma = 0, at = 0; comma != std::string::npos; at = comma + 1) {
    // ":80" is every address; "::1:80" lacks its brackets.
    const std::string_view rest = std::string_view(address).substr(at);
    if (rest.starts_with(':') && !rest.starts_with("::")) address.insert(at, "*");
    comma = address.find(',', at);
  }
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
std::span<const std::string_view> value_names<AcceptProxy>() {
  static constexpr std::array<std::string_view, 3> kNames{"off", "optional", "required"};
  return kNames;
}

template <>
std::span<const std::string_view> value_names<EncodedSlash>() {
  static constexpr std::array<std::string_view, 3> kNames{"refuse", "decode", "keep"};
  return kNames;
}

template <>
std::span<const std::string_view> value_names<PathParameters>() {
  static constexpr std::array<std::string_view, 3> kNames{"ignore", "keep", "refuse"};
  return kNames;
}

template <>
const Resource& resource<Paths>() {
  static constexpr Resource kResource{.name = "paths",
                                      .summary = "the form of paths that routes compare and backends get",
                                      .fields = kPathFields,
                                      .defaults = defaults_of<Paths>};
  return kResource;
}

template <>
const Resource& resource<Forward>() {
  static constexpr Resource kResource{.name = "forward",
                                      .summary = "further headers about the client that backends get",
                                      .fields = kForwardFields,
                                      .defaults = defaults_of<Forward>};
  return kResource;
}

template <>
const Resource& resource<SocketOptions>() {
  static constexpr Resource kResource{.name = "socket",
                                      .summary = "the listening sockets",
                                      .fields = kSocketFields,
                                      .defaults = defaults_of<SocketOptions>};
  return kResource;
}

template <>
const Resource& resource<Listener>() {
  static constexpr Resource kResource{.name = "listener",
                                      .summary = "an address and protocol that Weir accepts traffic on",
                                      .fields = kFields,
                                      .takes_notes = true,
                                      .defaults = defaults_of<Listener>,
                                      .finish = finish};
  return kResource;
}

}  // namespace weir::config
