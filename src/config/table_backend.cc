// Backends, with their short form "10.0.0.1:80".
#include <array>

#include "base/text.h"
#include "config/checks.h"
#include "config/codecs.h"

namespace weir::config {
namespace {

struct HostPort {
  std::string_view host;  // without brackets
  std::optional<std::string_view> port;
};

// "10.0.0.1:80", "[::1]:80", "name:80", or any of these without port; "::1" is an address, not a port.
HostPort split(std::string_view address) {
  HostPort parts{.host = address, .port = std::nullopt};
  auto colon = address.rfind(':');
  bool bare_v6 = !address.starts_with('[') && address.find(':') != colon;
  if (colon != std::string_view::npos && !bare_v6 && !address.ends_with(']')) {
    parts = {.host = address.substr(0, colon), .port = address.substr(colon + 1)};
  }
  if (parts.host.starts_with('[') && parts.host.ends_with(']'))
    parts.host = parts.host.substr(1, parts.host.size() - 2);
  return parts;
}

void read_address(Reader& reader, const Node& node, void* object, const Field&) {
  auto& backend = *static_cast<Backend*>(object);
  std::optional<std::string> text = reader.text(node, {});
  if (!text) return;
  HostPort parts = split(*text);
  if (std::string hint = address_hint(*text); text->find("://") != std::string::npos) {
    reader.fault(node, fmt::format("{} is a URL, not the address of a backend{}", quoted(*text), hint));
    return;
  }
  if (parts.port) {
    auto port = base::parse_unsigned(*parts.port, 65535);
    if (port && *port > 0) {
      backend.port = static_cast<std::uint16_t>(*port);
    } else {
      reader.fault(node, fmt::format("{} has no port from 1 to 65535 after the colon", quoted(*text)));
    }
  }
  if (parts.host.empty()) reader.fault(node, fmt::format("{} names no host; write host:port", quoted(*text)));
  backend.host = parts.host;
}

constexpr Field address_field() {
  return {.key = "address",
          .summary = "host:port, in place of host and port",
          .rules = {},
          .read = read_address,
          .absent = nullptr,
          .write = nullptr,
          .schema = [](const Field&, SchemaBuilder& builder) { return builder.text({}); }};
}

constexpr std::array kFields{
    field<&Backend::id>("id", "its name within the pool; host:port when not given"),
    field<&Backend::host>("host", "an address, or a name that is resolved"),
    field<&Backend::port>("port", "where it listens", {.min = 1}),
    address_field(),
    field<&Backend::weight>("weight", "its share of the work; 0 accepts no new requests", {.max = 1000}),
    field<&Backend::max_connections>("max_connections", "most connections at a time; 0 is without limit"),
    field<&Backend::enabled>("enabled", "false: takes no traffic"),
    field<&Backend::health_check_path>("health_check_path", "probed in place of the pool's path"),
    field<&Backend::agent_port>("agent_port",
                                "where its agent listens; when not set, at the port of the pool's `agent`", {.min = 1}),
    origin_field<Backend>(),
};
constexpr std::array kRefused{
    RefusedKey{"ip", "unknown key 'ip'; the backend's address or name is its `host`"},
};

void finish(Reader& reader, const Node& node, void* object) {
  auto& backend = *static_cast<Backend*>(object);
  const Node* address = node.find("address");
  if (const Node* id = node.find("id"); id != nullptr && id->scalar.empty()) {
    Reader::In in(reader, "id");
    reader.fault(*id, "is empty; give a name, or leave the key out for host:port");
  }
  bool address_has_port = address != nullptr && split(address->scalar).port.has_value();
  if (address != nullptr && node.find("host") != nullptr) {
    reader.fault(node, "has both address and host; give one of them");
  } else if (address == nullptr && node.find("host") == nullptr) {
    reader.missing(node, "host", "the backend's address or name");
  }
  if (address_has_port && node.find("port") != nullptr) {
    reader.fault(node, "has a port in address and another key port; give one of them");
  } else if (!address_has_port && node.find("port") == nullptr) {
    std::string meant = address == nullptr ? "" : address_hint(address->scalar);
    reader.missing(node, "port", "where the backend listens, from 1 to 65535" + meant);
  }
  if (backend.host.starts_with('[') && backend.host.ends_with(']')) {
    backend.host = backend.host.substr(1, backend.host.size() - 2);
  }
  if (!backend.id.empty()) return;
  bool v6 = backend.host.find(':') != std::string::npos;
  backend.id =
      v6 ? fmt::format("[{}]:{}", backend.host, backend.port) : fmt::format("{}:{}", backend.host, backend.port);
}

}  // namespace

template <>
const Resource& resource<Backend>() {
  static constexpr Resource kResource{.name = "backend",
                                      .summary = "one server of a pool: a map, or host:port",
                                      .fields = kFields,
                                      .short_key = "address",
                                      .refused = kRefused,
                                      .takes_notes = true,
                                      .defaults = defaults_of<Backend>,
                                      .finish = finish};
  return kResource;
}

}  // namespace weir::config
