// Certificates made in memory, and two ends of a socket that shake hands on one reactor.
#pragma once

#include <gtest/gtest.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <string>
#include <sys/socket.h>
#include <utility>

#include "net/reactor.h"
#include "net/task_group.h"
#include "net/tcp.h"
#include "tls/certificate.h"

namespace weir::tls {

struct PemPair {
  std::string cert, key;
};

inline std::string pem_of(auto write) {
  OwnedBio out(BIO_new(BIO_s_mem()));
  write(out.get());
  char* text = nullptr;
  long length = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<std::size_t>(length)};
}

// Self-signed, for `alternatives` such as "DNS:a.example,DNS:*.b.example", valid from now + `from` for `days`.
inline PemPair make_pair(const std::string& name, const std::string& alternatives, bool rsa = false, long from = -60,
                         int days = 10) {
  OwnedKey key(rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256"));
  OwnedX509 certificate(X509_new());
  X509* raw = certificate.get();
  X509_set_version(raw, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(raw), 4711);
  X509_gmtime_adj(X509_getm_notBefore(raw), from);
  X509_gmtime_adj(X509_getm_notAfter(raw), from + 86'400L * days);
  X509_set_pubkey(raw, key.get());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(raw), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  X509_set_issuer_name(raw, X509_get_subject_name(raw));
  if (!alternatives.empty()) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, alternatives.c_str());
    X509_add_ext(raw, extension, -1);
    X509_EXTENSION_free(extension);
  }
  X509_sign(raw, key.get(), EVP_sha256());
  return {pem_of([&](BIO* out) { PEM_write_bio_X509(out, raw); }),
          pem_of([&](BIO* out) { PEM_write_bio_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr); })};
}

inline std::shared_ptr<const Certificate> certificate_of(const PemPair& pair, const std::string& name = "test") {
  auto loaded = load_certificate(name, pair.cert, pair.key);
  EXPECT_TRUE(loaded) << loaded.error();
  return loaded ? *loaded : nullptr;
}

// Two connected sockets on a reactor of the test's thread.
class TlsTest : public testing::Test {
 protected:
  TlsTest() { reactor_.adopt_thread(); }
  std::pair<net::TcpStream, net::TcpStream> connected() {
    int ends[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    return {net::TcpStream::adopt(ends[0]), net::TcpStream::adopt(ends[1])};
  }
  void run(net::TaskGroup& group) {
    base::TimePoint end = base::now() + std::chrono::seconds(20);
    while (group.size() > 0 && base::now() < end) reactor_.run_once(base::now() + std::chrono::milliseconds(50));
    EXPECT_EQ(group.size(), 0u) << "the tasks hang";
  }
  base::TimePoint soon() const { return base::now() + std::chrono::seconds(10); }

  net::Reactor reactor_;
};

}  // namespace weir::tls
