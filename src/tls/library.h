// OpenSSL as one thread uses it.
#pragma once

#include <memory>
#include <openssl/ssl.h>
#include <string>
#include <string_view>

namespace weir::tls {

// unique_ptr for what OpenSSL allocates.
template <auto Free>
struct Freer {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
template <typename T, auto Free>
using Owned = std::unique_ptr<T, Freer<Free>>;

using OwnedBio = Owned<BIO, BIO_free_all>;
using OwnedX509 = Owned<X509, X509_free>;
using OwnedKey = Owned<EVP_PKEY, EVP_PKEY_free>;
using OwnedContext = Owned<SSL_CTX, SSL_CTX_free>;
using OwnedSession = Owned<SSL_SESSION, SSL_SESSION_free>;
using OwnedStore = Owned<X509_STORE, X509_STORE_free>;

// A library context of its own for each thread that makes handshakes: OpenSSL 3.0 guards every fetch of an algorithm by
// locks of its context, which threads that share one contend for. Made and destroyed by the control thread; whatever
// was made in it is freed before.
class Library {
 public:
  Library();
  ~Library();
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  OSSL_LIB_CTX* context() const { return context_; }
  // AES-256-CBC, for tickets.
  const EVP_CIPHER* ticket_cipher() const { return ticket_cipher_; }
  // The certificates of the system's authorities, loaded at the first call and again when their files have changed;
  // never null, empty when there are none. Control thread only.
  X509_STORE* system_authorities();

 private:
  OSSL_LIB_CTX* context_;
  EVP_CIPHER* ticket_cipher_;
  OwnedStore system_authorities_;
  std::string system_stamp_;  // of what they were loaded from
};

// Stands for the present files of the system's authorities: another text when they have changed.
std::string system_authorities_stamp();
// The oldest error of the calling thread's queue in words, and an empty queue: "key values mismatch". Functions of this
// folder leave the queue empty, which SSL_get_error() counts on.
std::string take_error();
// A BIO that reads `text`, which must outlive it.
OwnedBio reader_of(std::string_view text);

}  // namespace weir::tls
