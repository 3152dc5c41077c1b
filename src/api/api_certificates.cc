// /certificates and /certificates/{name}.
#include <fmt/format.h>

#include "api/api_state.h"
#include "api/http_text.h"
#include "base/clock.h"
#include "config/document.h"
#include "config/validate.h"
#include "control/object_json.h"

namespace weir::api {
namespace {

constexpr std::int64_t kDay = 86'400;

Json json_of(const Visit& visit, const std::string& name, const tls::Certificate& certificate) {
  std::int64_t now = base::unix_milliseconds() / 1000;
  Json json{{"name", name},
            {"origin", visit.objects().certificates.contains(name) ? "api" : "file"},
            {"names", certificate.names},
            {"subject", certificate.subject},
            {"issuer", certificate.issuer},
            {"serial", certificate.serial},
            {"sha256", certificate.fingerprint},
            {"key", tls::name(certificate.kind)},
            {"not_before_unix", certificate.not_before},
            {"not_after_unix", certificate.not_after},
            {"days_left", (certificate.not_after - now) / kDay},
            {"ocsp_responder", certificate.ocsp_url}};
  std::shared_ptr<const tls::Staple::Response> staple = certificate.staple->response();
  json["stapled_until_unix"] = staple == nullptr ? Json() : Json(staple->next_update);
  return json;
}

const tls::Certificate* find(const Visit& visit, const std::string& name) {
  const control::Certificates* certificates = visit.state.parts.certificates;
  if (certificates == nullptr) return nullptr;
  auto found = certificates->in_use().find(name);
  return found == certificates->in_use().end() ? nullptr : found->second.get();
}

std::string etag(const tls::Certificate& certificate) { return etag_of(certificate.fingerprint); }

ApiResult show(const Visit& visit, const std::string& name, int status) {
  const tls::Certificate* certificate = find(visit, name);
  if (certificate == nullptr) return json_response({{"name", name}}, status);
  return with_etag(json_response(json_of(visit, name, *certificate), status), etag(*certificate));
}

// 409 for what a file defines.
std::expected<void, Problem> check_owner(const Visit& visit, const std::string& name) {
  if (visit.objects().certificates.contains(name)) return {};
  for (const config::Certificate& certificate : visit.config().certificates) {
    if (certificate.name == name) return of_file(fmt::format("the certificate '{}'", name), certificate.origin);
  }
  return {};
}

// Listeners that name it; those that name none take what there is.
std::vector<std::string> users_of(const Visit& visit, const std::string& certificate) {
  std::vector<std::string> users;
  for (const config::Listener& listener : visit.config().listeners) {
    if (!listener.tls) continue;
    for (const config::Certificate& named : listener.tls->certificates) {
      if (named.cert.empty() && named.name == certificate) users.push_back(fmt::format("listener '{}'", listener.name));
    }
  }
  return users;
}

}  // namespace

ApiResult list_certificates(const Visit& visit) {
  Json all = Json::array();
  if (const control::Certificates* certificates = visit.state.parts.certificates) {
    for (const auto& [name, certificate] : certificates->in_use()) all.push_back(json_of(visit, name, *certificate));
  }
  for (Json& other : set_aside_json(visit, control::kCertificateKind)) all.push_back(std::move(other));
  return json_response({{"certificates", std::move(all)}});
}

ApiResult get_certificate(const Visit& visit) {
  const std::string& name = visit.arguments[0];
  Json aside = set_aside_json(visit, control::kCertificateKind, name);
  if (find(visit, name) == nullptr && !aside.is_null()) return json_response(aside);
  if (find(visit, name) == nullptr) return not_found(fmt::format("there is no certificate '{}'", name));
  return show(visit, name, 200);
}

net::Task<ApiResult> put_certificate(Visit& visit) {
  const std::string& name = visit.arguments[0];
  if (auto good = config::check_name(name); !good) co_return bad_field("name", std::move(good.error()));
  auto wanted = control::read_object<control::ApiCertificate>(visit.request.body, visit.kinds());
  if (!wanted) co_return bad_body(std::move(wanted.error()), visit.request.body);
  if (wanted->name.empty()) wanted->name = name;
  if (wanted->name != name) co_return bad_field("name", fmt::format("must be '{}', as in the path", name));
  const tls::Certificate* present = find(visit, name);
  if (auto same = visit.check_if_match(present != nullptr ? etag(*present) : ""); !same) {
    co_return std::unexpected(std::move(same.error()));
  }
  if (auto owner = check_owner(visit, name); !owner) co_return std::unexpected(std::move(owner.error()));
  bool is_new = !visit.objects().certificates.contains(name);
  control::Objects next = visit.objects();
  next.certificates[name] = std::make_shared<const control::ApiCertificate>(std::move(*wanted));
  std::expected<void, Problem> done = co_await visit.apply(std::move(next));
  if (!done) co_return std::unexpected(std::move(done.error()));
  co_return show(visit, name, is_new ? 201 : 200);
}

net::Task<ApiResult> delete_certificate(Visit& visit) {
  const std::string& name = visit.arguments[0];
  std::optional<ApiResult> forgotten = co_await visit.forget(control::kCertificateKind, name);
  if (forgotten) co_return std::move(*forgotten);
  const tls::Certificate* present = find(visit, name);
  if (present == nullptr) co_return not_found(fmt::format("there is no certificate '{}'", name));
  if (auto same = visit.check_if_match(etag(*present)); !same) co_return std::unexpected(std::move(same.error()));
  if (auto owner = check_owner(visit, name); !owner) co_return std::unexpected(std::move(owner.error()));
  if (!visit.objects().certificates.contains(name)) {
    co_return conflict(fmt::format("the certificate '{}' is part of a listener; change that", name));
  }
  if (auto unused = check_unused(fmt::format("the certificate '{}'", name), users_of(visit, name)); !unused) {
    co_return std::unexpected(std::move(unused.error()));
  }
  control::Objects next = visit.objects();
  next.certificates.erase(name);
  std::expected<void, Problem> done = co_await visit.apply(std::move(next));
  if (!done) co_return std::unexpected(std::move(done.error()));
  co_return json_response({{"name", name}, {"status", "deleted"}});
}

}  // namespace weir::api
