#include "tls/certificate.h"

#include <algorithm>
#include <ctime>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "base/try.h"

namespace weir::tls {
namespace {

// Never asks anybody: a key with a passphrase is refused.
int no_passphrase(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

std::string date_text(std::int64_t unix_seconds) {
  std::time_t time = unix_seconds;
  std::tm parts{};
  gmtime_r(&time, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &parts);
  return text;
}

std::string text_of_string(const ASN1_STRING* value) {
  unsigned char* utf8 = nullptr;
  int length = ASN1_STRING_to_UTF8(&utf8, value);
  if (length < 0) {
    ERR_clear_error();
    return {};
  }
  std::string text(reinterpret_cast<char*>(utf8), static_cast<std::size_t>(length));
  OPENSSL_free(utf8);
  return text;
}

// Fit for a header and for a list separated by commas: everything else is percent-encoded.
std::string encoded(std::string_view text) {
  std::string out;
  for (char c : text) {
    bool plain = c > ' ' && c < 0x7f && c != ',' && c != '%';
    if (plain) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

using OwnedNames = Owned<GENERAL_NAMES, GENERAL_NAMES_free>;

OwnedNames names_of(const X509* certificate) {
  auto* names = static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  ERR_clear_error();
  return OwnedNames(names);
}

std::vector<std::string> host_names(const X509* certificate) {
  std::vector<std::string> hosts;
  OwnedNames names = names_of(certificate);
  for (int i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* entry = sk_GENERAL_NAME_value(names.get(), i);
    if (entry->type == GEN_DNS) hosts.push_back(base::to_lower(text_of_string(entry->d.dNSName)));
  }
  if (!hosts.empty()) return hosts;
  const X509_NAME* subject = X509_get_subject_name(certificate);
  int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at >= 0)
    hosts.push_back(base::to_lower(text_of_string(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)))));
  return hosts;
}

std::string hex_of(const unsigned char* bytes, std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += fmt::format("{:02x}", bytes[i]);
  return text;
}

std::string serial_of(const X509* certificate) {
  BIGNUM* number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr);
  char* hex = number == nullptr ? nullptr : BN_bn2hex(number);
  std::string text = hex == nullptr ? "" : base::to_lower(hex);
  OPENSSL_free(hex);
  BN_free(number);
  return text;
}

std::string ocsp_url_of(X509* certificate) {
  STACK_OF(OPENSSL_STRING)* urls = X509_get1_ocsp(certificate);
  std::string url = sk_OPENSSL_STRING_num(urls) > 0 ? sk_OPENSSL_STRING_value(urls, 0) : "";
  X509_email_free(urls);
  return url;
}

// The kind and strength of a key, or why it is not good enough.
base::Checked<KeyKind> kind_of(const EVP_PKEY* key) {
  int type = EVP_PKEY_get_base_id(key);
  int bits = EVP_PKEY_get_bits(key);
  if (type == EVP_PKEY_RSA || type == EVP_PKEY_RSA_PSS) {
    if (bits < 2048) return std::unexpected(fmt::format("its RSA key has {} bits; at least 2048 are needed", bits));
    return KeyKind::rsa;
  }
  if (type == EVP_PKEY_EC) {
    if (bits < 224) return std::unexpected(fmt::format("its key on a curve of {} bits is too weak; use P-256", bits));
    return KeyKind::ecdsa;
  }
  if (type == EVP_PKEY_ED25519 || type == EVP_PKEY_ED448) return KeyKind::eddsa;
  return std::unexpected(std::string("its key is of a kind that TLS does not use; make an EC P-256 or RSA key"));
}

// Each certificate issued by the next: what a handshake sends must be in order (RFC 8446 4.4.2).
base::Checked<void> check_order(const std::vector<OwnedX509>& chain) {
  for (std::size_t i = 0; i + 1 < chain.size(); ++i) {
    const X509_NAME* issuer = X509_get_issuer_name(chain[i].get());
    const X509_NAME* next = X509_get_subject_name(chain[i + 1].get());
    if (X509_NAME_cmp(issuer, next) == 0) continue;
    return std::unexpected(
        fmt::format("certificate {} of the chain was issued by {}, but what follows is {}; put the leaf first and "
                    "each issuer behind it",
                    i + 1, text_of(issuer), text_of(next)));
  }
  return {};
}

}  // namespace

std::int64_t unix_time(const ASN1_TIME* time) {
  std::tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return 0;
  return timegm(&parts);
}

std::string_view name(KeyKind kind) {
  switch (kind) {
    case KeyKind::rsa:
      return "rsa";
    case KeyKind::ecdsa:
      return "ecdsa";
    case KeyKind::eddsa:
      return "eddsa";
  }
  return "";
}

std::string fingerprint_of(const X509* certificate) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned bytes = 0;
  if (X509_digest(certificate, EVP_sha256(), digest, &bytes) != 1) return {};
  return hex_of(digest, bytes);
}

std::string text_of(const X509_NAME* name) {
  OwnedBio out(BIO_new(BIO_s_mem()));
  if (X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253) < 0) return {};
  char* text = nullptr;
  long length = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<std::size_t>(length)};
}

std::string common_name_of(const X509_NAME* subject) {
  int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0) return {};
  const ASN1_STRING* value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
  std::string name = text_of_string(value);
  auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  auto is_ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
  if (std::ranges::any_of(name, is_control)) return {};
  // Teletex names hold whatever their maker took for its own character set.
  if (ASN1_STRING_type(value) == V_ASN1_T61STRING && !std::ranges::all_of(name, is_ascii)) return {};
  return name;
}

std::string alternative_names(const X509* certificate) {
  std::string text;
  OwnedNames names = names_of(certificate);
  for (int i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* entry = sk_GENERAL_NAME_value(names.get(), i);
    std::string one;
    if (entry->type == GEN_DNS) one = "DNS:" + encoded(text_of_string(entry->d.dNSName));
    if (entry->type == GEN_EMAIL) one = "email:" + encoded(text_of_string(entry->d.rfc822Name));
    if (entry->type == GEN_URI) one = "URI:" + encoded(text_of_string(entry->d.uniformResourceIdentifier));
    if (entry->type == GEN_IPADD) {
      const unsigned char* bytes = ASN1_STRING_get0_data(entry->d.iPAddress);
      int length = ASN1_STRING_length(entry->d.iPAddress);
      if (length == 4) one = fmt::format("IP:{}.{}.{}.{}", bytes[0], bytes[1], bytes[2], bytes[3]);
      if (length == 16) {
        one = "IP:";
        for (int part = 0; part < 16; part += 2) {
          one += fmt::format("{}{:x}", part > 0 ? ":" : "", bytes[part] << 8 | bytes[part + 1]);
        }
      }
    }
    if (one.empty()) continue;
    if (!text.empty()) text += ", ";
    text += one;
  }
  return text;
}

base::Checked<std::vector<OwnedX509>> parse_certificates(std::string_view pem, Library* library) {
  OwnedBio in = reader_of(pem);
  std::vector<OwnedX509> all;
  while (true) {
    X509* made = X509_new_ex(library == nullptr ? nullptr : library->context(), nullptr);
    // Frees `made` when it fails.
    X509* read = PEM_read_bio_X509(in.get(), &made, nullptr, nullptr);
    if (read == nullptr) {
      X509_free(made);
      break;
    }
    all.emplace_back(read);
  }
  unsigned long code = ERR_peek_last_error();
  bool at_end = ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
  std::string why = take_error();
  if (!at_end) return std::unexpected(fmt::format("certificate {} cannot be read: {}", all.size() + 1, why));
  if (all.empty()) return std::unexpected(std::string("has no certificate; PEM with BEGIN CERTIFICATE is needed"));
  return all;
}

base::Checked<OwnedKey> parse_key(std::string_view pem, Library* library) {
  OwnedBio in = reader_of(pem);
  bool asked = false;
  OwnedKey key(PEM_read_bio_PrivateKey_ex(in.get(), nullptr, no_passphrase, &asked,
                                          library == nullptr ? nullptr : library->context(), nullptr));
  if (key != nullptr) return key;
  std::string why = take_error();
  if (asked) return std::unexpected(std::string("the private key is encrypted; give it without a passphrase"));
  return std::unexpected(fmt::format("has no private key that can be read: {}", why));
}

base::Checked<std::shared_ptr<const Certificate>> load_certificate(std::string name, std::string chain,
                                                                   std::string_view key) {
  if (chain.size() > kMaxPemBytes || key.size() > kMaxPemBytes) {
    return std::unexpected(fmt::format("is longer than {} KB", kMaxPemBytes / 1024));
  }
  WEIR_TRY_TO(auto certificates, parse_certificates(chain, nullptr));
  if (certificates.size() > kMaxChain) {
    return std::unexpected(fmt::format("has {} certificates; a chain has at most {}", certificates.size(), kMaxChain));
  }
  WEIR_TRY_TO(OwnedKey private_key, parse_key(key, nullptr));
  X509* leaf = certificates.front().get();
  if (X509_check_private_key(leaf, private_key.get()) != 1) {
    ERR_clear_error();
    return std::unexpected(
        fmt::format("the private key is not the one of the certificate for {}", text_of(X509_get_subject_name(leaf))));
  }
  WEIR_TRY_TO(KeyKind kind, kind_of(private_key.get()));
  WEIR_TRY(check_order(certificates));

  auto made = std::make_shared<Certificate>();
  made->name = std::move(name);
  made->chain = std::move(chain);
  made->key_ = key;
  made->names = host_names(leaf);
  made->subject = text_of(X509_get_subject_name(leaf));
  made->issuer = text_of(X509_get_issuer_name(leaf));
  made->serial = serial_of(leaf);
  made->fingerprint = fingerprint_of(leaf);
  made->ocsp_url = ocsp_url_of(leaf);
  made->kind = kind;
  made->not_before = unix_time(X509_get0_notBefore(leaf));
  made->not_after = unix_time(X509_get0_notAfter(leaf));
  ERR_clear_error();
  return made;
}

base::Checked<void> check_dates(const Certificate& certificate, std::int64_t now) {
  if (certificate.not_after <= now) {
    return std::unexpected(
        fmt::format("the certificate for {} has expired on {}", certificate.subject, date_text(certificate.not_after)));
  }
  if (certificate.not_before > now) {
    return std::unexpected(fmt::format("the certificate for {} is valid only from {}", certificate.subject,
                                       date_text(certificate.not_before)));
  }
  return {};
}

base::Checked<void> Certificate::load_into(SSL_CTX* context, Library& library) const {
  WEIR_TRY_TO(auto certificates, parse_certificates(chain, &library));
  WEIR_TRY_TO(auto key, parse_key(key_, &library));
  STACK_OF(X509)* rest = sk_X509_new_null();
  for (std::size_t i = 1; i < certificates.size(); ++i) sk_X509_push(rest, certificates[i].get());
  int loaded = SSL_CTX_use_cert_and_key(context, certificates.front().get(), key.get(), rest, 1);
  sk_X509_free(rest);
  if (loaded != 1) return std::unexpected(take_error());
  return {};
}

}  // namespace weir::tls
