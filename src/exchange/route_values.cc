#include "exchange/route_values.h"

namespace weir::exchange {

using config::Variable;

namespace {

std::string_view of_certificate(const tls::ClientIdentity* certificate, std::string tls::ClientIdentity::* member) {
  return certificate != nullptr ? std::string_view(certificate->*member) : std::string_view();
}

}  // namespace

std::string_view RouteValues::value(Variable variable, base::Arena& arena) const {
  const tls::ConnectionFacts& tls = client_.facts.tls;
  switch (variable) {
    case Variable::client:
      return address_text(facts_.forwarded.client, arena);
    case Variable::scheme:
      return facts_.forwarded.forwarded_proto;
    case Variable::request_id:
      return facts_.request_id;
    case Variable::listener:
      return client_.listening.runtime->name;
    case Variable::listener_port:
      return port_text(client_.facts.destination().port, arena);
    case Variable::route:
      return facts_.route_name();
    case Variable::pool:
      return facts_.pool_name();
    case Variable::backend:
      return tries_.has_backend() ? std::string_view(tries_.backend().id()) : std::string_view();
    case Variable::tls_version:
      return tls ? tls.version() : std::string_view();
    case Variable::tls_cipher:
      return tls ? tls.cipher() : std::string_view();
    case Variable::tls_sni:
      return tls ? tls.server_name() : std::string_view();
    case Variable::tls_client_subject:
      return of_certificate(facts_.certificate, &tls::ClientIdentity::subject);
    case Variable::tls_client_names:
      return of_certificate(facts_.certificate, &tls::ClientIdentity::names);
    case Variable::tls_client_sha256:
      return of_certificate(facts_.certificate, &tls::ClientIdentity::fingerprint);
    default:  // of the head, which route::value_of() knows
      return {};
  }
}

}  // namespace weir::exchange
