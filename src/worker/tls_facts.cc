#include "worker/tls_facts.h"

#include "base/text.h"
#include "http/authority.h"

namespace weir::worker {

bool is_misdirected(ClientFacts& client, const ListenerSnapshot& listener, std::uint32_t worker,
                    std::string_view authority) {
  if (listener.tls == nullptr || !client.tls) return false;
  std::string_view name = client.tls.server_name();
  http::Authority parsed;
  if (name.empty() || authority.empty() || http::parse_authority(authority, parsed) != nullptr) return false;
  std::string_view host = parsed.host;
  if (host.ends_with('.')) host.remove_suffix(1);
  if (base::equal_ignoring_case(host, name)) return false;
  if (client.found && base::equal_ignoring_case(host, client.found->also_served)) return false;
  const tls::ServerContext& context = *listener.tls->of_worker[worker];
  if (!context.serves_alike(name, host) && !client.tls.certificate_covers(host)) return true;
  client.findings().also_served = host;
  return false;
}

std::optional<access_log::TlsRecord> tls_record(const ClientFacts& client) {
  if (!client.tls) return std::nullopt;
  access_log::TlsRecord record{.version = client.tls.version(),
                               .cipher = client.tls.cipher(),
                               .sni = client.tls.server_name(),
                               .alpn = client.tls.protocol(),
                               .client_subject = {},
                               .resumed = client.tls.resumed()};
  if (client.certificate() != nullptr) record.client_subject = client.certificate()->subject;
  return record;
}

}  // namespace weir::worker
