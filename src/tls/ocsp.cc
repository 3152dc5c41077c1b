#include "tls/ocsp.h"

#include <algorithm>
#include <ctime>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ocsp.h>

#include "base/error.h"
#include "base/try.h"

namespace weir::tls {
namespace {

using OwnedRequest = Owned<OCSP_REQUEST, OCSP_REQUEST_free>;
using OwnedResponse = Owned<OCSP_RESPONSE, OCSP_RESPONSE_free>;
using OwnedBasic = Owned<OCSP_BASICRESP, OCSP_BASICRESP_free>;
using OwnedId = Owned<OCSP_CERTID, OCSP_CERTID_free>;

// Clocks of responders may differ so much from this one.
constexpr long kClockSkewSeconds = 300;
// Without nextUpdate newer information is always there (RFC 6960 4.2.2.1): it is shown for a day, also when it was kept
// on disk.
constexpr std::int64_t kWithoutNextUpdate = 86'400;
constexpr std::size_t kMaxResponseBytes = 64 * 1024;

base::Checked<std::vector<OwnedX509>> chain_of(const Certificate& certificate) {
  auto chain = parse_certificates(certificate.chain, nullptr);
  if (!chain) return chain;
  if (chain->size() < 2) return std::unexpected(std::string("the chain has no issuer, without which nothing is asked"));
  return chain;
}

}  // namespace

base::Checked<std::string> ocsp_request(const Certificate& certificate) {
  WEIR_TRY_TO(auto chain, chain_of(certificate));
  OwnedRequest request(OCSP_REQUEST_new());
  OCSP_CERTID* id = OCSP_cert_to_id(nullptr, chain[0].get(), chain[1].get());
  if (request == nullptr || id == nullptr || OCSP_request_add0_id(request.get(), id) == nullptr) {
    return std::unexpected(take_error());
  }
  unsigned char* der = nullptr;
  int bytes = i2d_OCSP_REQUEST(request.get(), &der);
  if (bytes <= 0) return std::unexpected(take_error());
  std::string text(reinterpret_cast<char*>(der), static_cast<std::size_t>(bytes));
  OPENSSL_free(der);
  return text;
}

base::Checked<std::shared_ptr<const Staple::Response>> check_ocsp_response(const Certificate& certificate,
                                                                           std::string_view der, std::int64_t now) {
  WEIR_TRY_TO(auto chain, chain_of(certificate));
  if (der.size() > kMaxResponseBytes) return std::unexpected(std::string("is larger than 64 KB"));
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  OwnedResponse response(d2i_OCSP_RESPONSE(nullptr, &at, static_cast<long>(der.size())));
  if (response == nullptr) {
    ERR_clear_error();
    return std::unexpected(std::string("is no OCSP response"));
  }
  int status = OCSP_response_status(response.get());
  if (status != OCSP_RESPONSE_STATUS_SUCCESSFUL) {
    return std::unexpected(fmt::format("the responder says: {}", OCSP_response_status_str(status)));
  }
  OwnedBasic basic(OCSP_response_get1_basic(response.get()));
  OwnedStore trusted(X509_STORE_new());
  STACK_OF(X509)* others = sk_X509_new_null();
  for (std::size_t i = 1; i < chain.size(); ++i) {
    X509_STORE_add_cert(trusted.get(), chain[i].get());
    sk_X509_push(others, chain[i].get());
  }
  X509_STORE_set_flags(trusted.get(), X509_V_FLAG_PARTIAL_CHAIN);
  int verified = basic == nullptr ? 0 : OCSP_basic_verify(basic.get(), others, trusted.get(), 0);
  sk_X509_free(others);
  if (verified != 1) return std::unexpected(fmt::format("the signature of the response is not good: {}", take_error()));
  OwnedId id(OCSP_cert_to_id(nullptr, chain[0].get(), chain[1].get()));
  int verdict = V_OCSP_CERTSTATUS_UNKNOWN;
  int reason = 0;
  ASN1_GENERALIZEDTIME *revoked = nullptr, *from = nullptr, *until = nullptr;
  if (OCSP_resp_find_status(basic.get(), id.get(), &verdict, &reason, &revoked, &from, &until) != 1) {
    ERR_clear_error();
    return std::unexpected(std::string("the response is about another certificate"));
  }
  if (verdict != V_OCSP_CERTSTATUS_GOOD) {
    return std::unexpected(fmt::format("the responder says of the certificate: {}", OCSP_cert_status_str(verdict)));
  }
  if (OCSP_check_validity(from, until, kClockSkewSeconds, -1) != 1) {
    ERR_clear_error();
    return std::unexpected(std::string("the response is not valid at this time"));
  }
  ERR_clear_error();
  auto good = std::make_shared<Staple::Response>();
  good->der = der;
  good->this_update = unix_time(from);
  good->next_update = until == nullptr ? std::min(now, good->this_update) + kWithoutNextUpdate : unix_time(until);
  return good;
}

}  // namespace weir::tls
