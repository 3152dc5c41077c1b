#include "tls/handshake.h"

#include <fmt/format.h>
#include <openssl/x509v3.h>
#include <utility>

#include "net/peek.h"
#include "tls/socket_bio.h"

namespace weir::tls {

using base::ErrorCode;

namespace {

// Whether a first byte is there. Error when none will come any more.
base::Result<bool> has_begun(net::TcpStream& stream) {
  char first;
  base::Result<std::size_t> shown = net::peek(stream, {&first, 1});
  if (!shown) return std::unexpected(shown.error());
  return *shown > 0;
}

// The client went away, or was too slow.
std::unexpected<base::Error> cut_short(base::Error error) {
  error.what = "TLS handshake";
  return std::unexpected(error);
}

}  // namespace

net::Task<base::Result<Accepted>> accept(net::TcpStream& stream, const ServerContext& context,
                                         base::TimePoint deadline) {
  net::Descriptor& descriptor = stream.descriptor();
  // OpenSSL's 32 KB are for a client that has begun to speak.
  while (true) {
    bool told = !descriptor.readable;
    base::Result<void> ready = co_await stream.wait_readable(deadline);
    // An event that is no end is of bytes.
    if (ready && told && !descriptor.peer_finished) break;
    base::Result<bool> begun = ready ? has_begun(stream) : std::unexpected(ready.error());
    if (!begun) co_return cut_short(begun.error());
    if (*begun) break;
    descriptor.readable = false;
  }
  SSL* ssl = context.new_connection();
  if (ssl == nullptr) co_return base::fail(ErrorCode::exhausted, "TLS handshake");
  descriptor.set_filter(std::make_unique<Stream>(ssl));
  base::Error error;
  while (true) {
    Stream::Step step = Stream::of(descriptor).shake_hands(descriptor, &context, error);
    base::Result<void> ready;
    switch (step) {
      case Stream::Step::done:
        co_return Accepted::established;
      case Stream::Step::failed:
        co_return std::unexpected(error);
      case Stream::Step::plain_http:
        descriptor.set_filter(nullptr);
        co_return Accepted::plain_http;
      case Stream::Step::plain_other:
        co_return base::fail(ErrorCode::protocol, "bytes that are not TLS on a TLS port");
      case Stream::Step::wait_readable:
        ready = co_await stream.wait_readable(deadline);
        break;
      case Stream::Step::wait_writable:
        ready = co_await stream.wait_writable(deadline);
        break;
    }
    if (!ready) co_return cut_short(ready.error());
  }
}

namespace {

SSL* ssl_of(const net::TcpStream& stream) { return Stream::of(const_cast<net::TcpStream&>(stream).descriptor()).ssl(); }

std::string_view view(const char* text) { return text == nullptr ? std::string_view() : std::string_view(text); }

}  // namespace

std::string_view first_plain_bytes() { return socket_bio().strange_bytes; }

const char* refused_certificate(const net::TcpStream& stream) {
  long verified = SSL_get_verify_result(ssl_of(stream));
  return verified == X509_V_OK ? nullptr : X509_verify_cert_error_string(verified);
}

std::string_view version(const net::TcpStream& stream) { return view(SSL_get_version(ssl_of(stream))); }
bool is_version_1_3(const net::TcpStream& stream) { return SSL_version(ssl_of(stream)) == TLS1_3_VERSION; }
std::string_view cipher(const net::TcpStream& stream) { return view(SSL_get_cipher_name(ssl_of(stream))); }
std::string_view server_name(const net::TcpStream& stream) {
  return view(SSL_get_servername(ssl_of(stream), TLSEXT_NAMETYPE_host_name));
}
std::string_view protocol(const net::TcpStream& stream) {
  const unsigned char* name = nullptr;
  unsigned length = 0;
  SSL_get0_alpn_selected(ssl_of(stream), &name, &length);
  return {reinterpret_cast<const char*>(name), length};
}
bool resumed(const net::TcpStream& stream) { return SSL_session_reused(ssl_of(stream)) != 0; }

bool certificate_covers(const net::TcpStream& stream, std::string_view host) {
  X509* shown = SSL_get_certificate(ssl_of(stream));
  if (shown == nullptr || host.empty()) return false;
  if (base::IpAddress::parse(host)) {
    return X509_check_ip_asc(shown, std::string(host).c_str(), 0) == 1;
  }
  return X509_check_host(shown, host.data(), host.size(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, nullptr) == 1;
}

std::unique_ptr<const ClientIdentity> client_identity(const net::TcpStream& stream) {
  const X509* certificate = SSL_get0_peer_certificate(ssl_of(stream));
  if (certificate == nullptr) return nullptr;
  auto identity = std::make_unique<ClientIdentity>();
  identity->subject = text_of(X509_get_subject_name(certificate));
  identity->common_name = common_name_of(X509_get_subject_name(certificate));
  identity->names = alternative_names(certificate);
  identity->fingerprint = fingerprint_of(certificate);
  return identity;
}

}  // namespace weir::tls
