// Whether a certificate was revoked, as its responder says (RFC 6960), for stapling.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "tls/certificate.h"

namespace weir::tls {

// The request to POST to certificate.ocsp_url, DER; what is missing otherwise: the issuer is needed in the chain.
base::Checked<std::string> ocsp_request(const Certificate& certificate);
// A response, DER, that says `good` of the certificate at that Unix time and is signed by its issuer or whom that has
// charged; why it is of no use otherwise.
base::Checked<std::shared_ptr<const Staple::Response>> check_ocsp_response(const Certificate& certificate,
                                                                           std::string_view der, std::int64_t now);

}  // namespace weir::tls
