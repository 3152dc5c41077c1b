// Trusted CA certificates and lists of revoked certificates.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "base/error.h"
#include "tls/library.h"

namespace weir::tls {

// A store of the authorities in a PEM text. With `revocations` (PEM of CRLs; empty: none) every certificate of a chain
// must be on a list of its issuer as not revoked: an authority without a list is refused.
// Fails for a text that cannot be read.
base::Checked<OwnedStore> authorities(Library& library, std::string_view pem, std::string_view revocations);
// Their names, which a server sends along when it asks for a certificate. Taken over by the caller.
STACK_OF(X509_NAME) * names_of_authorities(Library& library, std::string_view pem);

}  // namespace weir::tls
