// The contexts that listeners and pools make handshakes with.
#include <algorithm>
#include <fmt/format.h>

#include "config/json.h"
#include "config/reader.h"
#include "control/certificate_loader.h"

namespace weir::control {
namespace {

// What goes through a tcp listener may be anything, and a client of another protocol would find nothing in common with
// a default.
std::vector<std::string> offered(const config::Listener& listener, const config::ListenerTls& tls) {
  if (tls.alpn) return *tls.alpn;
  if (listener.protocol == config::ListenerProtocol::https) return {"h2", "http/1.1"};
  return {};
}

tls::ClientCertificates mode_of(config::ClientCertificateMode mode) {
  switch (mode) {
    case config::ClientCertificateMode::off:
      return tls::ClientCertificates::off;
    case config::ClientCertificateMode::request:
      return tls::ClientCertificates::request;
    case config::ClientCertificateMode::require:
      return tls::ClientCertificates::require;
  }
  return tls::ClientCertificates::off;
}

std::vector<std::string> offered(const config::Pool& pool, const config::PoolTls& tls) {
  if (!tls.alpn.empty()) return tls.alpn;
  if (pool.protocol == config::PoolProtocol::h2) return {"h2"};
  if (pool.protocol == config::PoolProtocol::automatic) return {"h2", "http/1.1"};
  return {"http/1.1"};
}

int number_of(config::TlsVersion version) {
  return version == config::TlsVersion::tls_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION;
}

}  // namespace

void Certificates::Loader::load_listener(State& state, const config::Listener& listener) {
  static const config::ListenerTls kByDefault;
  const config::ListenerTls& tls = listener.tls ? *listener.tls : kByDefault;
  std::string what = fmt::format("listeners.{}.tls", listener.name);
  OfListener next{.config = tls, .protocol = std::string(config::name(listener.protocol))};
  for (config::Certificate& certificate : next.config.certificates) certificate.origin = {};
  auto before = owner_.now_.listeners.find(listener.name);
  const OfListener* present = before == owner_.now_.listeners.end() ? nullptr : &before->second;
  std::size_t faults_before = faults_.size();
  collect_certificates(state, listener, tls, what, next);
  if (tls.client.mode != config::ClientCertificateMode::off) {
    next.authorities = text_of(tls.client.ca, listener.origin, what + ".client.ca",
                               present == nullptr ? nullptr : present->authorities);
    if (!tls.client.crl.empty()) {
      next.revocations = text_of(tls.client.crl, listener.origin, what + ".client.crl",
                                 present == nullptr ? nullptr : present->revocations);
    }
  }
  if (faults_.size() != faults_before) return;
  if (next.certificates.empty()) {
    base::log_warning("listener {}: there is no certificate to show yet, so that every handshake fails", listener.name);
  }
  bool same = present != nullptr && present->config == next.config && present->protocol == next.protocol &&
              present->certificates == next.certificates && present->authorities == next.authorities &&
              present->revocations == next.revocations;
  next.contexts = same ? present->contexts : make_contexts(listener, tls, next, what, present);
  if (next.contexts == nullptr && faults_.size() == faults_before) next = *present;
  if (next.contexts != nullptr) state.listeners.emplace(listener.name, std::move(next));
}

void Certificates::Loader::collect_certificates(State& state, const config::Listener& listener,
                                                const config::ListenerTls& tls, const std::string& what,
                                                OfListener& next) {
  for (std::size_t i = 0; i < tls.certificates.size(); ++i) {
    const config::Certificate& wanted = tls.certificates[i];
    std::string where = fmt::format("{}.certificates[{}]", what, i);
    if (!wanted.cert.empty()) {
      if (auto loaded = load_pair(state, wanted, where)) next.certificates.push_back(std::move(loaded));
      continue;
    }
    auto named = state.certificates.find(wanted.name);
    if (named != state.certificates.end()) {
      next.certificates.push_back(named->second);
    } else if (!is_named(wanted.name)) {
      fault(wanted.origin.line > 0 ? wanted.origin : listener.origin, where,
            fmt::format("there is no certificate called {}", config::quoted(wanted.name)));
    }
  }
  if (!tls.certificates.empty()) return;
  for (const auto& [name, certificate] : state.certificates) {
    if (is_named(name)) next.certificates.push_back(certificate);
  }
}

bool Certificates::Loader::is_named(const std::string& name) const {
  auto called_so = [&](const config::Certificate& named) { return named.name == name; };
  return made_.contains(name) || absent_.contains(name) || std::ranges::any_of(wanted_.certificates, called_so);
}

std::shared_ptr<const tls::ServerContexts> Certificates::Loader::make_contexts(const config::Listener& listener,
                                                                               const config::ListenerTls& tls,
                                                                               const OfListener& parts,
                                                                               const std::string& what,
                                                                               const OfListener* present) {
  tls::ServerOptions options{.certificates = parts.certificates,
                             .strict_sni = tls.strict_sni,
                             .min_version = number_of(tls.min_version),
                             .alpn = offered(listener, tls),
                             .client = mode_of(tls.client.mode),
                             .client_authorities = parts.authorities == nullptr ? "" : *parts.authorities,
                             .client_revocations = parts.revocations == nullptr ? "" : *parts.revocations,
                             .tickets = tls.tickets ? owner_.tickets_ : nullptr,
                             .scope = listener.name};
  options.scope += fmt::format("\n{}\n", static_cast<int>(options.client)) + options.client_authorities + "\n" +
                   options.client_revocations;
  auto contexts = std::make_shared<tls::ServerContexts>();
  contexts->certificates = parts.certificates;
  if (tls.handshakes_per_second > 0) {
    contexts->limit = std::make_unique<tls::HandshakeLimit>(tls.handshakes_per_second);
  }
  for (tls::Library* library : owner_.options_.libraries) {
    auto made = tls::ServerContext::make(*library, options);
    if (!made) {
      if (!keeps(present, what, made.error())) fault(listener.origin, what, made.error());
      return nullptr;
    }
    contexts->of_worker.push_back(std::move(*made));
  }
  return contexts;
}

void Certificates::Loader::load_pool(State& state, const config::Pool& pool, const config::PoolTls& tls,
                                     const std::string& key, std::string_view place) {
  std::string what = fmt::format("pools.{}.{}", pool.name, place);
  std::size_t faults_before = faults_.size();
  auto before = owner_.now_.of_pool.find(key);
  const OfPool* present = before == owner_.now_.of_pool.end() ? nullptr : before->second.get();
  OfPool next{.config = tls, .alpn = offered(pool, tls)};
  if (!tls.ca.empty()) {
    next.authorities = text_of(tls.ca, pool.origin, what + ".ca", present == nullptr ? nullptr : present->authorities);
  } else if (tls.verify) {
    next.system = tls::system_authorities_stamp();
  }
  if (!tls.cert.empty()) {
    config::Certificate own{.name = tls.cert, .cert = tls.cert, .key = tls.key, .ocsp = {}, .origin = pool.origin};
    next.certificate = load_pair(state, own, what);
  }
  if (faults_.size() != faults_before) return;
  auto same = [&](const std::shared_ptr<const OfPool>& other) {
    return other->config == next.config && other->alpn == next.alpn && other->authorities == next.authorities &&
           other->system == next.system && other->certificate == next.certificate;
  };
  for (const auto* known : {&state.pools, &owner_.now_.pools}) {
    auto found = std::ranges::find_if(*known, same);
    if (found == known->end()) continue;
    std::shared_ptr<const OfPool> shared = *found;
    if (known != &state.pools) state.pools.push_back(shared);
    state.of_pool[key] = std::move(shared);
    return;
  }
  next.contexts = make_contexts(pool, next, what, present);
  if (next.contexts != nullptr) {
    state.pools.push_back(std::make_shared<const OfPool>(std::move(next)));
    state.of_pool[key] = state.pools.back();
  } else if (faults_.size() == faults_before) {
    state.of_pool[key] = before->second;
  }
}

std::shared_ptr<const tls::ClientContexts> Certificates::Loader::make_contexts(const config::Pool& pool,
                                                                               const OfPool& parts,
                                                                               const std::string& what,
                                                                               const OfPool* present) {
  tls::ClientOptions options{.verify = parts.config.verify,
                             .authorities = parts.authorities == nullptr ? "" : *parts.authorities,
                             .server_name = parts.config.sni,
                             .certificate = parts.certificate,
                             .alpn = parts.alpn,
                             .min_version = number_of(parts.config.min_version)};
  auto contexts = std::make_shared<tls::ClientContexts>();
  std::vector<tls::Library*> libraries = owner_.options_.libraries;
  libraries.push_back(owner_.options_.probing);
  for (tls::Library* library : libraries) {
    auto made = tls::ClientContext::make(*library, options);
    if (!made) {
      if (!keeps(present, what, made.error())) fault(pool.origin, what, made.error());
      return nullptr;
    }
    contexts->of_thread.push_back(std::move(*made));
  }
  return contexts;
}

}  // namespace weir::control
