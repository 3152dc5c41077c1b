// Rules for TLS on listeners and pools. Whether files can be read and fit each other is seen when they are
// loaded.
#include <array>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "config/checks.h"
#include "config/contains.h"
#include "config/json.h"
#include "config/reader.h"

namespace weir::config {
namespace {

constexpr std::array<std::string_view, 2> kHttpProtocols{"h2", "http/1.1"};
constexpr std::size_t kLongestProtocolName = 255;  // RFC 7301 3.1

void check_file(const Place& place, std::string_view key, const std::string& path) {
  if (has_control_bytes(path)) place.fault(key, "a path has no control bytes");
}

void check_alpn(const Place& place, const std::vector<std::string>& names, bool http) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    std::string key = fmt::format("alpn[{}]", i);
    if (http && !contains(kHttpProtocols, names[i])) {
      place.fault(
          key, fmt::format("{} is none of the protocols here: {}", quoted(names[i]), fmt::join(kHttpProtocols, ", ")));
    } else if (names[i].empty() || names[i].size() > kLongestProtocolName || has_control_bytes(names[i])) {
      place.fault(key, "must be a protocol's name of 1 to 255 bytes (RFC 7301 3.1)");
    }
  }
}

void check_client(const Place& place, const ClientCertificates& client) {
  bool asked = client.mode != ClientCertificateMode::off;
  if (asked && client.ca.empty()) {
    place.fault("ca", "is needed to check the certificates of clients: the PEM file of trusted CA certificates");
  }
  if (!asked && (!client.ca.empty() || !client.crl.empty())) {
    place.fault("mode", "is off, so that ca and crl have no effect; set it to request or require");
  }
  check_file(place, "ca", client.ca);
  check_file(place, "crl", client.crl);
}

}  // namespace

void check_certificate(const Place& place, const Certificate& certificate) {
  if (certificate.cert.empty()) {
    place.fault("cert", "is missing: the PEM file of the chain, the leaf first");
  } else if (certificate.name != certificate.cert) {
    check_name(place, "name", certificate.name);
  }
  check_file(place, "cert", certificate.cert);
  check_file(place, "key", certificate.key);
  check_file(place, "ocsp", certificate.ocsp);
}

void check_tls(const Place& place, const ListenerTls& tls, ListenerProtocol protocol) {
  if (protocol != ListenerProtocol::https && protocol != ListenerProtocol::tcp) {
    place.fault("", fmt::format("a listener with the protocol {0} has no TLS of its own{1}", quoted(name(protocol)),
                                protocol == ListenerProtocol::http ? "; use https" : ""));
    return;
  }
  for (std::size_t i = 0; i < tls.certificates.size(); ++i) {
    const Certificate& certificate = tls.certificates[i];
    Place at = place.in(fmt::format("certificates[{}]", i), &certificate.origin);
    bool reference = certificate.cert.empty();
    if (!reference) {
      check_certificate(at, certificate);
    } else if (certificate.name.empty()) {
      at.fault("cert", "is missing: the PEM file of a chain; or give the name of a certificate");
    } else if (!certificate.key.empty() || !certificate.ocsp.empty()) {
      at.fault("cert", "is missing: key and ocsp belong to the PEM file of a chain");
    }
  }
  if (tls.alpn) check_alpn(place, *tls.alpn, protocol == ListenerProtocol::https);
  check_client(place.in("client", nullptr), tls.client);
  bool hsts = tls.hsts.max_age > Duration(0);
  if (!hsts && (tls.hsts.include_subdomains || tls.hsts.preload)) {
    place.fault("hsts.max_age", "is needed: without it nothing is said to browsers");
  }
  if (hsts && protocol != ListenerProtocol::https) place.fault("hsts", "is a field of HTTP; use the protocol https");
}

void check_tls(const Place& place, const PoolTls& tls, PoolProtocol) {
  check_file(place, "ca", tls.ca);
  check_file(place, "cert", tls.cert);
  check_file(place, "key", tls.key);
  if (!tls.sni.empty() && !is_host_name(tls.sni) && !base::IpAddress::parse(tls.sni)) {
    place.fault("sni", fmt::format("{} is no host name", quoted(tls.sni)));
  }
  if (!tls.key.empty() && tls.cert.empty()) place.fault("cert", "is missing: key is the private key of a certificate");
  if (!tls.verify && !tls.ca.empty()) {
    place.fault("verify", "is false, so that ca has no effect; remove one of both");
  }
  check_alpn(place, tls.alpn, false);
}

}  // namespace weir::config
