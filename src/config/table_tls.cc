// TLS: certificates, and the rules of listeners and pools.
#include <array>

#include "config/codecs.h"

namespace weir::config {
namespace {

constexpr Rules kTimeout{.min = kMinTimeoutMs, .max = kMaxTimeoutMs};
constexpr double kMaxHstsMs = 10.0 * 366 * 86'400'000;

constexpr std::array kCertificateFields{
    field<&Certificate::name>("name", "what listeners call it; without `cert`, the one that is meant"),
    field<&Certificate::cert>("cert", "PEM file of the chain: the leaf first, then its issuers", {.is_path = true}),
    field<&Certificate::key>("key", "PEM file of the private key, without a passphrase; by default in that of `cert`",
                             {.is_path = true}),
    field<&Certificate::ocsp>("ocsp", "DER file of an OCSP response to staple; without it Weir fetches one",
                              {.is_path = true}),
    origin_field<Certificate>(),
};
constexpr std::array kRefusedOfListeners{
    RefusedKey{"cert", "is no key of a listener's tls; write `certificates: [{cert: FILE, key: FILE}]`"},
    RefusedKey{"key", "is no key of a listener's tls; write `certificates: [{cert: FILE, key: FILE}]`"},
};
constexpr std::array kClientFields{
    field<&ClientCertificates::mode>("mode", "whether clients are asked for a certificate, or must have one"),
    field<&ClientCertificates::ca>("ca", "PEM file of trusted CA certificates", {.is_path = true}),
    field<&ClientCertificates::crl>("crl", "PEM file with the list of revoked certificates of each authority",
                                    {.is_path = true}),
};
constexpr std::array kHstsFields{
    field<&Hsts::max_age>("max_age", "how long browsers use https only; 0: not said", {.max = kMaxHstsMs}),
    field<&Hsts::include_subdomains>("include_subdomains", "all names below as well"),
    field<&Hsts::preload>("preload", "browsers may ship the host in their lists"),
};
constexpr std::array kListenerTlsFields{
    field<&ListenerTls::certificates>("certificates",
                                      "shown by the name a client asks for, the first by default; without: all named "
                                      "ones and those of the API"),
    field<&ListenerTls::strict_sni>("strict_sni", "refuse clients that ask for another name, or none"),
    field<&ListenerTls::min_version>("min_version", "the oldest version that is spoken"),
    field<&ListenerTls::alpn>("alpn",
                              "protocols that are offered, the preferred one first; by default h2 and http/1.1 on an "
                              "https listener, none on a tcp listener"),
    field<&ListenerTls::client>("client", "certificates of clients"),
    field<&ListenerTls::tickets>("tickets", "let clients resume sessions by tickets"),
    field<&ListenerTls::handshake_timeout>("handshake_timeout", "for a whole handshake", kTimeout),
    field<&ListenerTls::handshakes_per_second>(
        "handshakes_per_second", "of one client address, in the long run; 0 is without limit", {.max = 1'000'000}),
    field<&ListenerTls::hsts>("hsts", "tell browsers to use https only"),
};
constexpr std::array kPoolTlsFields{
    field<&PoolTls::enabled>("enabled", "speak TLS to the backends"),
    field<&PoolTls::verify>("verify", "check the certificates of the backends and their names"),
    field<&PoolTls::ca>("ca", "PEM file of trusted CA certificates; by default the system's", {.is_path = true}),
    field<&PoolTls::sni>("sni", "the name that is asked for and checked; by default the backend's host"),
    field<&PoolTls::cert>("cert", "PEM file of the certificate that Weir shows", {.is_path = true}),
    field<&PoolTls::key>("key", "PEM file of its private key; by default in that of `cert`", {.is_path = true}),
    field<&PoolTls::alpn>("alpn", "protocols that are offered; by default what the pool's protocol needs"),
    field<&PoolTls::min_version>("min_version", "the oldest version that is spoken"),
};
constexpr std::array kTlsFields{
    field<&Tls::ticket_rotation>("ticket_rotation", "after which a new key seals tickets; the two before it still open",
                                 {.min = 1000, .max = kMaxTimeoutMs}),
    field<&Tls::ticket_keys>("ticket_keys", "file of keys for tickets, the same for several Weirs; not rotated then",
                             {.is_path = true}),
    field<&Tls::ocsp>("ocsp", "fetch OCSP responses for certificates that name a responder, and staple them"),
    field<&Tls::ocsp_folder>("ocsp_folder", "where fetched responses are kept over restarts", {.is_path = true}),
};

void finish_certificate(Reader&, const Node&, void* object) {
  auto& certificate = *static_cast<Certificate*>(object);
  if (certificate.name.empty()) certificate.name = certificate.cert;
}

}  // namespace

template <>
std::span<const std::string_view> value_names<TlsVersion>() {
  static constexpr std::array<std::string_view, 2> kNames{"1.2", "1.3"};
  return kNames;
}

template <>
std::span<const std::string_view> value_names<ClientCertificateMode>() {
  static constexpr std::array<std::string_view, 3> kNames{"off", "request", "require"};
  return kNames;
}

template <>
const Resource& resource<Certificate>() {
  static constexpr Resource kResource{.name = "certificate",
                                      .summary =
                                          "a chain of certificates with its private key, in files; or the name "
                                          "of one",
                                      .fields = kCertificateFields,
                                      .short_key = "name",
                                      .defaults = defaults_of<Certificate>,
                                      .finish = finish_certificate};
  return kResource;
}

template <>
const Resource& resource<ClientCertificates>() {
  static constexpr Resource kResource{.name = "client_certificates",
                                      .summary = "certificates of clients",
                                      .fields = kClientFields,
                                      .short_key = "mode",
                                      .defaults = defaults_of<ClientCertificates>};
  return kResource;
}

template <>
const Resource& resource<Hsts>() {
  static constexpr Resource kResource{.name = "hsts",
                                      .summary = "Strict-Transport-Security (RFC 6797)",
                                      .fields = kHstsFields,
                                      .short_key = "max_age",
                                      .defaults = defaults_of<Hsts>};
  return kResource;
}

template <>
const Resource& resource<ListenerTls>() {
  static constexpr Resource kResource{.name = "listener_tls",
                                      .summary = "TLS of a listener",
                                      .fields = kListenerTlsFields,
                                      .refused = kRefusedOfListeners,
                                      .defaults = defaults_of<ListenerTls>};
  return kResource;
}

template <>
const Resource& resource<PoolTls>() {
  static constexpr Resource kResource{.name = "pool_tls",
                                      .summary = "TLS to the backends of a pool",
                                      .fields = kPoolTlsFields,
                                      .short_key = "enabled",
                                      .off_key = "enabled",
                                      .defaults = defaults_of<PoolTls>};
  return kResource;
}

template <>
const Resource& resource<Tls>() {
  static constexpr Resource kResource{
      .name = "tls", .summary = "what all TLS listeners share", .fields = kTlsFields, .defaults = defaults_of<Tls>};
  return kResource;
}

}  // namespace weir::config
