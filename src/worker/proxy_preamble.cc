#include "worker/proxy_preamble.h"

#include "net/proxy_protocol.h"

namespace weir::worker {

std::string proxy_preamble(config::SendProxy version, const ClientFacts& client, std::string_view unique_id) {
  if (version == config::SendProxy::off) return {};
  net::ProxyClient told{.source = client.peer, .unique_id = unique_id};
  told.destination = client.destination();
  if (client.tls) {
    told.tls = true;
    told.alpn = client.tls.protocol();
    told.server_name = client.tls.server_name();
    told.tls_version = client.tls.version();
    told.tls_cipher = client.tls.cipher();
    if (client.certificate() != nullptr) {
      told.certificate_verified = true;
      told.certificate_name = client.certificate()->common_name;
    }
  } else if (client.hello() != nullptr) {
    told.server_name = client.hello()->server_name;
  }
  if (version == config::SendProxy::v1) return net::proxy_header_v1(told);
  return net::proxy_header_v2(told, version == config::SendProxy::v2_checksum);
}

}  // namespace weir::worker
