#include "worker/tls_facts.h"

#include "base/text.h"
#include "http/authority.h"
#include "tls/handshake.h"

namespace weir::worker {

bool is_misdirected(Arrival& client, const ListenerSnapshot& listener, std::string_view authority) {
  if (listener.tls == nullptr || !client.stream.is_filtered()) return false;
  std::string_view name = tls::server_name(client.stream);
  http::Authority parsed;
  if (name.empty() || authority.empty() || http::parse_authority(authority, parsed) != nullptr) return false;
  std::string_view host = parsed.host;
  if (host.ends_with('.')) host.remove_suffix(1);
  if (base::equal_ignoring_case(host, name)) return false;
  if (client.facts != nullptr && base::equal_ignoring_case(host, client.facts->also_served)) return false;
  const tls::ServerContext& context = *listener.tls->of_worker[client.worker.index];
  if (!context.serves_alike(name, host) && !tls::certificate_covers(client.stream, host)) return true;
  if (client.facts == nullptr) client.facts = std::make_unique<ConnectionFacts>();
  client.facts->also_served = host;
  return false;
}

std::optional<access_log::TlsRecord> tls_record(const Arrival& client) {
  if (!client.stream || !client.stream.is_filtered()) return std::nullopt;
  access_log::TlsRecord record{.version = tls::version(client.stream),
                               .cipher = tls::cipher(client.stream),
                               .sni = tls::server_name(client.stream),
                               .alpn = tls::protocol(client.stream),
                               .client_subject = {},
                               .resumed = tls::resumed(client.stream)};
  if (client.facts != nullptr && client.facts->client_certificate != nullptr) {
    record.client_subject = client.facts->client_certificate->subject;
  }
  return record;
}

}  // namespace weir::worker
