#include "worker/proxy_preamble.h"

#include "net/proxy_protocol.h"
#include "tls/handshake.h"

namespace weir::worker {

std::string proxy_preamble(config::SendProxy version, const Arrival& client, std::string_view unique_id) {
  if (version == config::SendProxy::off) return {};
  const ConnectionFacts* facts = client.facts.get();
  net::ProxyClient told{.source = client.peer, .unique_id = unique_id};
  bool proxied = facts != nullptr && facts->proxied_destination;
  told.destination = proxied ? *facts->proxied_destination : net::local_address(client.stream.fd());
  if (client.stream.is_filtered()) {
    told.tls = true;
    told.alpn = tls::protocol(client.stream);
    told.server_name = tls::server_name(client.stream);
    told.tls_version = tls::version(client.stream);
    told.tls_cipher = tls::cipher(client.stream);
    if (facts != nullptr && facts->client_certificate) {
      told.certificate_verified = true;
      told.certificate_name = facts->client_certificate->common_name;
    }
  } else if (facts != nullptr && facts->hello) {
    told.server_name = facts->hello->server_name;
  }
  if (version == config::SendProxy::v1) return net::proxy_header_v1(told);
  return net::proxy_header_v2(told, version == config::SendProxy::v2_checksum);
}

}  // namespace weir::worker
