#include "tls/library.h"

#include <cstdlib>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <sys/stat.h>

#include "base/assert.h"

namespace weir::tls {

Library::Library() : context_(OSSL_LIB_CTX_new()) {
  WEIR_ASSERT(context_ != nullptr);
  ticket_cipher_ = EVP_CIPHER_fetch(context_, "AES-256-CBC", nullptr);
  WEIR_ASSERT(ticket_cipher_ != nullptr);
}

Library::~Library() {
  system_authorities_.reset();
  EVP_CIPHER_free(ticket_cipher_);
  OSSL_LIB_CTX_free(context_);
}

std::string system_authorities_stamp() {
  std::string stamp;
  for (auto [variable, usual] : {std::pair(X509_get_default_cert_file_env(), X509_get_default_cert_file()),
                                 std::pair(X509_get_default_cert_dir_env(), X509_get_default_cert_dir())}) {
    const char* own = secure_getenv(variable);
    struct stat at{};
    if (stat(own != nullptr ? own : usual, &at) != 0) at = {};
    stamp += fmt::format("{}:{}:{}:{} ", at.st_ino, at.st_size, at.st_mtim.tv_sec, at.st_mtim.tv_nsec);
  }
  return stamp;
}

X509_STORE* Library::system_authorities() {
  std::string stamp = system_authorities_stamp();
  if (system_authorities_ == nullptr || stamp != system_stamp_) {
    system_stamp_ = std::move(stamp);
    system_authorities_.reset(X509_STORE_new());
    WEIR_ASSERT(system_authorities_ != nullptr);
    X509_STORE_set_default_paths_ex(system_authorities_.get(), context_, nullptr);
    ERR_clear_error();
  }
  return system_authorities_.get();
}

std::string take_error() {
  unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "unknown error";
  const char* reason = ERR_reason_error_string(code);
  if (reason != nullptr) return reason;
  char text[256];
  ERR_error_string_n(code, text, sizeof text);
  return text;
}

OwnedBio reader_of(std::string_view text) {
  OwnedBio bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  WEIR_ASSERT(bio != nullptr);
  return bio;
}

}  // namespace weir::tls
