// A chain of certificates with its private key, checked, as listeners show it.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/cleanse.h"
#include "base/error.h"
#include "tls/library.h"

namespace weir::tls {

// A chain and a key beyond this are none that a handshake should send.
inline constexpr std::size_t kMaxPemBytes = 128 * 1024;
inline constexpr std::size_t kMaxChain = 10;

enum class KeyKind : std::uint8_t { rsa, ecdsa, eddsa };
std::string_view name(KeyKind kind);

// The OCSP response to staple (RFC 6066 8), replaced as newer ones come. Any thread.
class Staple {
 public:
  struct Response {
    std::string der;
    std::int64_t this_update = 0;  // Unix time of what it says
    std::int64_t next_update = 0;  // Unix time from which it must not be shown any more
  };
  // Null when there is none.
  std::shared_ptr<const Response> response() const {
    std::lock_guard lock(mutex_);
    return response_;
  }
  void set(std::shared_ptr<const Response> response) {
    std::lock_guard lock(mutex_);
    response_ = std::move(response);
  }

 private:
  mutable std::mutex mutex_;  // guards the pointer
  std::shared_ptr<const Response> response_;
};

// Immutable but for its staple; shared by contexts, snapshots and the API. Public facts have members; the key can
// only be used.
struct Certificate {
  Certificate() = default;
  Certificate(const Certificate&) = delete;
  Certificate& operator=(const Certificate&) = delete;
  ~Certificate() { base::cleanse(key_); }

  std::string name;                // what the configuration calls it, or the file
  std::string chain;               // PEM, the leaf first
  std::vector<std::string> names;  // lower case, from the subject alternative names, or else the common name
  std::string subject, issuer;     // RFC 2253
  std::string serial;              // hexadecimal
  std::string fingerprint;         // SHA-256 of the leaf, hexadecimal
  std::string ocsp_url;            // of the responder that the leaf names; empty: none
  KeyKind kind = KeyKind::ecdsa;
  std::int64_t not_before = 0, not_after = 0;  // Unix time
  std::shared_ptr<Staple> staple = std::make_shared<Staple>();

  // The chain and key once more, in that library. The error says why they cannot be used.
  base::Checked<void> load_into(SSL_CTX* context, Library& library) const;

 private:
  friend base::Checked<std::shared_ptr<const Certificate>> load_certificate(std::string, std::string, std::string_view);
  std::string key_;  // PEM
};

// Checks that the PEM texts are a chain in order and the leaf's private key, unencrypted and strong enough. The
// error says what would be right. Whether it has expired is the caller's question: check_dates().
base::Checked<std::shared_ptr<const Certificate>> load_certificate(std::string name, std::string chain,
                                                                   std::string_view key);
// An error when the certificate is not valid yet, or no more, at that Unix time.
base::Checked<void> check_dates(const Certificate& certificate, std::int64_t now);

// All certificates of a PEM text; what is wrong otherwise. Made in `library`, or the process's context when null.
base::Checked<std::vector<OwnedX509>> parse_certificates(std::string_view pem, Library* library);
// The first private key of a PEM text.
base::Checked<OwnedKey> parse_key(std::string_view pem, Library* library);

// Unix time; 0 when it is not a time.
std::int64_t unix_time(const ASN1_TIME* time);
// SHA-256 of the whole certificate, in hexadecimal.
std::string fingerprint_of(const X509* certificate);
// "CN=site.example,O=Site" (RFC 2253); what is not ASCII is escaped, so that it is fit for a header.
std::string text_of(const X509_NAME* name);
// The one common name of a subject, in UTF-8. Empty when it has none or several, and when the name is of no known
// encoding or holds control characters: whoever decides by it must not be given half of it, or one of two.
std::string common_name_of(const X509_NAME* subject);
// The subject alternative names as "DNS:a.example, IP:10.0.0.1, URI:spiffe://x/y, email:..."; empty without. Commas,
// blanks and all that is not printable ASCII are percent-encoded within the names.
std::string alternative_names(const X509* certificate);

}  // namespace weir::tls
