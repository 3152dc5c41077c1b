// PROXY headers of both versions: whatever the bytes, what is taken lies within them; a header stays incomplete until
// its last byte; and addresses survive being written and read again.
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "net/proxy_protocol.h"

using weir::net::ProxyHeader;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const ProxyHeader header = weir::net::parse_proxy_header(bytes);
  if (header.state == ProxyHeader::State::invalid) WEIR_ASSERT(header.what[0] != '\0');
  if (header.state != ProxyHeader::State::complete) return 0;
  WEIR_ASSERT(header.bytes > 0 && header.bytes <= size && header.bytes <= weir::net::kMaxProxyHeaderBytes);
  for (std::size_t part = 0; part < header.bytes; ++part) {
    WEIR_ASSERT(weir::net::parse_proxy_header(bytes.substr(0, part)).state == ProxyHeader::State::incomplete);
  }
  WEIR_ASSERT(header.source.has_value() == header.destination.has_value());
  if (!header.source) return 0;
  weir::net::ProxyClient client;
  client.source = *header.source;
  client.destination = *header.destination;
  client.server_name = bytes.substr(0, 40);
  client.tls = size % 2 == 0;
  for (const std::string& written : {weir::net::proxy_header_v1(client), weir::net::proxy_header_v2(client)}) {
    const ProxyHeader again = weir::net::parse_proxy_header(written);
    WEIR_ASSERT(again.state == ProxyHeader::State::complete && again.bytes == written.size());
    WEIR_ASSERT(*again.source == client.source && *again.destination == client.destination);
  }
  return 0;
}
