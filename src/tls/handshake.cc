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

}  // namespace

std::string_view first_plain_bytes() { return socket_bio().strange_bytes; }

const char* refused_certificate(const net::TcpStream& stream) {
  long verified = SSL_get_verify_result(ssl_of(stream));
  return verified == X509_V_OK ? nullptr : X509_verify_cert_error_string(verified);
}

std::string_view protocol(const net::TcpStream& stream) { return ConnectionFacts::of(stream).protocol(); }

}  // namespace weir::tls
