#include "api/access.h"

#include <array>
#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <span>

#include "base/assert.h"
#include "base/ip.h"
#include "base/text.h"

namespace weir::api {
namespace {

constexpr std::size_t kDigestBytes = 32;
using Digest = std::array<unsigned char, kDigestBytes>;

Digest sha256(std::string_view text) {
  Digest digest{};
  unsigned int size = 0;
  int done = EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr);
  WEIR_ASSERT(done == 1 && size == kDigestBytes);
  return digest;
}

std::string to_hex(const Digest& digest) {
  std::string hex;
  for (unsigned char byte : digest) hex += fmt::format("{:02x}", byte);
  return hex;
}

// The token that was sent, in time that does not tell how nearly it fits any.
const config::AdminToken* find_token(const std::vector<config::AdminToken>& tokens, std::string_view sent) {
  std::string digest = to_hex(sha256(sent));
  const config::AdminToken* found = nullptr;
  for (const config::AdminToken& token : tokens) {
    std::string wanted = base::to_lower(token.sha256);
    bool fits = wanted.size() == digest.size() && CRYPTO_memcmp(wanted.data(), digest.data(), digest.size()) == 0;
    if (fits) found = &token;
  }
  return found;
}

Permission permission_of(config::TokenRole role) {
  switch (role) {
    case config::TokenRole::viewer:
      return Permission::viewer;
    case config::TokenRole::operator_:
      return Permission::operator_;
    case config::TokenRole::admin:
      return Permission::admin;
  }
  return Permission::viewer;
}

std::string_view without_port(std::string_view host) {
  if (host.starts_with('[')) return host.substr(0, host.find(']') + 1);
  return host.substr(0, host.rfind(':'));
}

// True for hosts that no foreign DNS zone can point here: addresses, localhost, and names without a dot.
bool is_own_host(std::string_view host) {
  std::string_view name = without_port(host);
  return base::IpAddress::parse(name) || name.find('.') == std::string_view::npos || name.ends_with(".localhost");
}

std::unexpected<Problem> forbidden(std::string detail) {
  return std::unexpected(Problem{.status = 403, .detail = std::move(detail)});
}

std::expected<std::string, Problem> admit_by_token(const ApiRequest& request, Permission permission,
                                                   const config::Admin& admin) {
  constexpr std::string_view kScheme = "bearer ";
  std::string_view sent = request.authorization;
  bool is_bearer = sent.size() > kScheme.size() && base::equal_ignoring_case(sent.substr(0, kScheme.size()), kScheme);
  const config::AdminToken* token =
      is_bearer ? find_token(admin.tokens, base::trim(sent.substr(kScheme.size()))) : nullptr;
  if (token == nullptr) {
    return std::unexpected(Problem{.status = 401,
                                   .detail = sent.empty() ? "this API needs a bearer token" : "the token is not known",
                                   .headers = {{"WWW-Authenticate", "Bearer realm=\"weir\""}}});
  }
  if (permission_of(token->role) < permission) {
    std::unexpected<Problem> refused =
        forbidden(fmt::format("the token '{}' may not do this; it takes the role {}", token->name,
                              permission == Permission::admin ? "admin" : "operator"));
    refused.error().who = token->name;
    return refused;
  }
  return token->name;
}

}  // namespace

std::expected<std::string, Problem> admit(const ApiRequest& request, Permission permission,
                                          const config::Admin& admin) {
  bool changes = request.method != "GET" && request.method != "HEAD";
  if (changes && !request.origin.empty()) {
    bool own = request.origin == "http://" + request.host || request.origin == "https://" + request.host;
    if (!own) return forbidden("changes from pages of another origin are refused");
  }
  if (permission == Permission::anyone && (request.peer_is_local || !admin.tokens.empty())) return request.peer;
  if (!admin.tokens.empty()) return admit_by_token(request, permission, admin);
  if (!request.peer_is_local) {
    return forbidden("without tokens in the configuration only this machine is served");
  }
  if (!is_own_host(request.host)) {
    return std::unexpected(
        Problem{.status = 421, .detail = "use an address or localhost as the host, or configure tokens"});
  }
  return request.peer;
}

}  // namespace weir::api
