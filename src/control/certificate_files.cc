// The files and texts of certificates, keys, staples and tickets.
#include <fmt/format.h>

#include "base/cleanse.h"
#include "control/certificate_loader.h"
#include "tls/ocsp.h"

namespace weir::control {

Certificates::Text Certificates::Loader::text_of(const std::string& path, const config::Origin& origin,
                                                 const std::string& what, const Text& present) {
  auto text = owner_.files_.read(path, reading_ != Reading::known);
  if (text) return *text;
  std::string message = fmt::format("{} {}", path, text.error());
  if (keeps(present, what, message)) return present;
  fault(origin, what, std::move(message));
  return nullptr;
}

std::shared_ptr<const tls::Certificate> Certificates::Loader::load_pair(State& state, const config::Certificate& wanted,
                                                                        const std::string& what) {
  const std::string& key_path = wanted.key.empty() ? wanted.cert : wanted.key;
  std::string identity = wanted.cert + '\n' + key_path + '\n' + wanted.name;
  if (auto made = state.pairs.find(identity); made != state.pairs.end()) return made->second.certificate;
  auto before = owner_.now_.pairs.find(identity);
  Pair present = before == owner_.now_.pairs.end() ? Pair() : before->second;
  Pair pair;
  pair.chain = text_of(wanted.cert, wanted.origin, what + ".cert", present.chain);
  pair.key = text_of(key_path, wanted.origin, what + ".key", present.key);
  if (pair.chain == nullptr || pair.key == nullptr) return nullptr;
  if (pair.chain == present.chain && pair.key == present.key) {
    pair.certificate = present.certificate;
  } else {
    pair.certificate = check_pair(wanted, pair, what, present.certificate);
    // Certificates in use belong to the old texts; these are looked at again when they change.
    if (pair.certificate == present.certificate) pair = present;
  }
  if (pair.certificate == nullptr) return nullptr;
  if (!wanted.ocsp.empty()) load_staple(wanted, *pair.certificate, what);
  state.certificates[wanted.name] = pair.certificate;
  return state.pairs.emplace(std::move(identity), std::move(pair)).first->second.certificate;
}

std::shared_ptr<const tls::Certificate> Certificates::Loader::check_pair(
    const config::Certificate& wanted, const Pair& pair, const std::string& what,
    const std::shared_ptr<const tls::Certificate>& present) {
  auto loaded = tls::load_certificate(wanted.name, *pair.chain, *pair.key);
  base::Checked<void> usable;
  if (loaded) {
    usable = tls::check_dates(**loaded, owner_.options_.unix_time());
  } else {
    usable = std::unexpected(loaded.error());
  }
  if (loaded && !usable && !owner_.started_) {
    // Not to start at all would be worse for everything else that this Weir carries.
    base::log_error("{}: {}: {}; clients will not accept it", what, wanted.cert, usable.error());
    return *loaded;
  }
  if (usable) return *loaded;
  std::string message = fmt::format("{}: {}", wanted.cert, usable.error());
  if (keeps(present, what, message)) return present;
  fault(wanted.origin, what, std::move(message));
  return nullptr;
}

void Certificates::Loader::load_made(State& state, const ApiCertificate& made) {
  std::string identity = "api\n" + made.name;
  auto before = owner_.now_.pairs.find(identity);
  Pair pair;
  if (before != owner_.now_.pairs.end() && *before->second.chain == made.cert && *before->second.key == made.key) {
    pair = before->second;
  } else {
    pair.chain = std::make_shared<const std::string>(made.cert);
    pair.key = base::cleansed_in_the_end(made.key);
    config::Certificate as_if{
        .name = made.name, .cert = "the PEM text", .key = {}, .ocsp = {}, .origin = {"api", 0, 0}};
    pair.certificate = check_pair(as_if, pair, fmt::format("certificates.{}", made.name), nullptr);
    if (pair.certificate == nullptr) return;
  }
  state.certificates[made.name] = pair.certificate;
  state.pairs.emplace(std::move(identity), std::move(pair));
}

void Certificates::Loader::load_staple(const config::Certificate& wanted, const tls::Certificate& certificate,
                                       const std::string& what) {
  from_file_.insert(&certificate);
  Text der = text_of(wanted.ocsp, wanted.origin, what + ".ocsp", nullptr);
  if (der == nullptr) return;
  auto present = certificate.staple->response();
  if (present != nullptr && present->der == *der) return;
  auto checked = tls::check_ocsp_response(certificate, *der, owner_.options_.unix_time());
  if (checked) {
    certificate.staple->set(*checked);
  } else {
    base::log_error("{}.ocsp: {}: {}; it is not stapled", what, wanted.ocsp, checked.error());
  }
}

void Certificates::Loader::collect_to_staple(State& state) {
  for (const auto& [identity, pair] : state.pairs) {
    const auto& certificate = pair.certificate;
    if (certificate->ocsp_url.empty() || from_file_.contains(certificate.get())) continue;
    state.to_staple.push_back(certificate);
  }
  state.ocsp_folder = wanted_.tls.ocsp_folder;
}

void Certificates::Loader::load_ticket_keys(State& state) {
  state.ticket_rotation = wanted_.tls.ticket_rotation;
  const std::string& path = wanted_.tls.ticket_keys;
  if (path.empty()) return;
  state.ticket_text = text_of(path, {}, "tls.ticket_keys", owner_.now_.ticket_text);
  if (state.ticket_text == nullptr) return;
  auto keys = tls::parse_ticket_keys(*state.ticket_text);
  if (keys) {
    state.ticket_keys = std::move(*keys);
  } else if (keeps(owner_.now_.ticket_text, "tls.ticket_keys", path + " " + keys.error())) {
    state.ticket_keys = owner_.now_.ticket_keys;
  } else {
    fault({}, "tls.ticket_keys", fmt::format("{} {}", path, keys.error()));
  }
}

}  // namespace weir::control
