#include "tls/connect.h"

#include "tls/certificate.h"
#include "tls/stream.h"
#include "tls/words.h"

namespace weir::tls {

using base::ErrorCode;

namespace {

class ClientStream final : public Stream {
 public:
  ClientStream(SSL* ssl, std::shared_ptr<const ClientContexts> made_with, std::uint32_t thread, std::string key)
      : Stream(ssl),
        contexts(std::move(made_with)),
        key_(std::move(key)),
        offered_until_(contexts->of_thread[thread]->verified_until(key_)),
        thread_(thread) {}
  void on_session(SSL_SESSION* session) override {
    std::time_t resumed_until = SSL_session_reused(ssl()) == 1 ? offered_until_ : 0;
    contexts->of_thread[thread_]->keep_session(key_, ssl(), session, resumed_until);
  }

  std::shared_ptr<const ClientContexts> contexts;

 private:
  std::string key_;  // of its session
  std::time_t offered_until_;
  std::uint32_t thread_;
};

}  // namespace

net::Task<base::Result<void>> connect(net::TcpStream& stream, ConnectOptions options) {
  ClientContext& context = *options.contexts->of_thread[options.thread];
  const std::string key = context.session_key(options.host, options.peer);
  if (!options.resumes) context.forget_session(key);
  SSL* ssl = context.new_connection(options.host, key, options.alpn);
  if (ssl == nullptr) co_return base::fail(ErrorCode::exhausted, "TLS handshake");
  net::Descriptor& descriptor = stream.descriptor();
  descriptor.set_filter(std::make_unique<ClientStream>(ssl, options.contexts, options.thread, key));
  base::Error error{.code = ErrorCode::protocol, .what = "TLS handshake"};
  while (true) {
    Stream::Step step = Stream::of(descriptor).shake_hands(descriptor, nullptr, error);
    if (step == Stream::Step::done) co_return base::Result<void>();
    if (step == Stream::Step::wait_readable || step == Stream::Step::wait_writable) {
      base::Result<void> ready;
      if (step == Stream::Step::wait_readable) {
        ready = co_await stream.wait_readable(options.deadline);
      } else {
        ready = co_await stream.wait_writable(options.deadline);
      }
      if (ready) continue;
      error = ready.error();
      error.what = error.code == ErrorCode::timeout ? kNoAnswer : "TLS handshake";
      error.side = error.code == ErrorCode::cancelled ? base::Side::ours : base::Side::backend;
    } else {
      long verified = SSL_get_verify_result(ssl);
      if (verified != X509_V_OK) error.what = words_for_backend_certificate(verified);
      error.side = base::Side::backend;
      // Whatever was wrong, the next handshake begins from nothing.
      context.forget_session(key);
    }
    co_return std::unexpected(error);
  }
}

std::optional<std::int64_t> peer_certificate_ends(const net::TcpStream& stream) {
  const SSL* ssl = Stream::of(const_cast<net::TcpStream&>(stream).descriptor()).ssl();
  const X509* certificate = SSL_get0_peer_certificate(ssl);
  if (certificate == nullptr) return std::nullopt;
  return unix_time(X509_get0_notAfter(certificate));
}

const ClientContexts* contexts_of(const net::TcpStream& stream) {
  if (!stream.is_filtered()) return nullptr;
  Stream& filter = Stream::of(const_cast<net::TcpStream&>(stream).descriptor());
  return static_cast<ClientStream&>(filter).contexts.get();
}

}  // namespace weir::tls
