#include "tls/authorities.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/try.h"
#include "tls/certificate.h"

namespace weir::tls {
namespace {

using OwnedCrl = Owned<X509_CRL, X509_CRL_free>;

base::Checked<void> add_revocations(Library& library, X509_STORE* store, std::string_view pem) {
  OwnedBio in = reader_of(pem);
  int count = 0;
  while (true) {
    X509_CRL* made = X509_CRL_new_ex(library.context(), nullptr);
    X509_CRL* read = PEM_read_bio_X509_CRL(in.get(), &made, nullptr, nullptr);
    if (read == nullptr) {
      X509_CRL_free(made);
      break;
    }
    OwnedCrl list(read);
    X509_STORE_add_crl(store, list.get());
    ++count;
  }
  unsigned long code = ERR_peek_last_error();
  bool at_end = ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
  std::string why = take_error();
  if (!at_end) return std::unexpected(fmt::format("list of revocations {} cannot be read: {}", count + 1, why));
  if (count == 0) return std::unexpected("has no list of revocations; PEM with BEGIN X509 CRL is needed");
  X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
  return {};
}

}  // namespace

base::Checked<OwnedStore> authorities(Library& library, std::string_view pem, std::string_view revocations) {
  WEIR_TRY_TO(auto certificates, parse_certificates(pem, &library));
  OwnedStore store(X509_STORE_new());
  WEIR_ASSERT(store != nullptr);
  for (const OwnedX509& certificate : certificates) X509_STORE_add_cert(store.get(), certificate.get());
  if (!revocations.empty()) WEIR_TRY(add_revocations(library, store.get(), revocations));
  ERR_clear_error();
  return store;
}

STACK_OF(X509_NAME) * names_of_authorities(Library& library, std::string_view pem) {
  STACK_OF(X509_NAME)* names = sk_X509_NAME_new_null();
  auto certificates = parse_certificates(pem, &library);
  if (!certificates) return names;
  for (const OwnedX509& certificate : *certificates) {
    sk_X509_NAME_push(names, X509_NAME_dup(X509_get_subject_name(certificate.get())));
  }
  return names;
}

}  // namespace weir::tls
