// What the variables of headers, redirects and rewrites stand for (config/template_text.h).
#include <charconv>

#include "proxy/exchange.h"
#include "tls/handshake.h"
#include "worker/tls_facts.h"

namespace weir::proxy {

using config::Variable;

namespace {

std::string_view of_certificate(const ConnectionFacts* facts, std::string tls::ClientIdentity::* member) {
  if (facts == nullptr || facts->client_certificate == nullptr) return {};
  return *facts->client_certificate.*member;
}

}  // namespace

std::string_view Exchange::value(Variable variable, base::Arena& arena) const {
  const bool has_tls = client_.stream && client_.stream.is_filtered();
  switch (variable) {
    case Variable::client:
      return address_text(forwarded_.client, arena);
    case Variable::scheme:
      return forwarded_.forwarded_proto;
    case Variable::request_id:
      return request_id_;
    case Variable::listener:
      return client_.listening.runtime->name;
    case Variable::listener_port:
      return port_text(port_of(client_), arena);
    case Variable::route:
      return route_config_ != nullptr ? std::string_view(route_config_->name) : std::string_view();
    case Variable::pool:
      return pool_ != nullptr ? std::string_view(pool_->config->name) : std::string_view();
    case Variable::backend:
      return tries_.has_backend() ? std::string_view(tries_.backend().id()) : std::string_view();
    case Variable::tls_version:
      return has_tls ? tls::version(client_.stream) : std::string_view();
    case Variable::tls_cipher:
      return has_tls ? tls::cipher(client_.stream) : std::string_view();
    case Variable::tls_sni:
      return has_tls ? tls::server_name(client_.stream) : std::string_view();
    case Variable::tls_client_subject:
      return of_certificate(client_.facts.get(), &tls::ClientIdentity::subject);
    case Variable::tls_client_names:
      return of_certificate(client_.facts.get(), &tls::ClientIdentity::names);
    case Variable::tls_client_sha256:
      return of_certificate(client_.facts.get(), &tls::ClientIdentity::fingerprint);
    default:  // of the head, which route::value_of() knows
      return {};
  }
}

void Exchange::write_changes(http::HeadWriter& writer, const route::HeaderChanges& changes) {
  changes.append(request_, *this, arena_,
                 [&](std::string_view name, std::string_view value) { writer.field(name, value); });
}

}  // namespace weir::proxy
