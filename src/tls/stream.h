// TLS on a stream, as the filter of its descriptor.
#pragma once

#include <algorithm>
#include <memory>
#include <openssl/ssl.h>
#include <string_view>

#include "base/free_list.h"
#include "net/reactor.h"
#include "net/stream_filter.h"

namespace weir::tls {

class ServerContext;

// One connection's TLS, either side. Worker's thread only.
//
// Bytes that OpenSSL writes are gathered in a buffer of the thread and leave in one system call per operation; only
// those that the socket does not take at once are kept here. Reading takes one system call per record or less: OpenSSL
// reads ahead, and a short read tells that there is nothing more. All connections of a thread share its one BIO.
class Stream : public net::StreamFilter {
 public:
  // Takes `ssl`, whose role is set.
  explicit Stream(SSL* ssl);
  ~Stream() override;

  // The TLS of a descriptor that has a filter: there is no other kind.
  static Stream& of(const net::Descriptor& descriptor) { return static_cast<Stream&>(*descriptor.filter()); }

  bool read(net::Descriptor& descriptor, std::span<char> into, base::Result<std::size_t>& result) override;
  Wrote write(net::Descriptor& descriptor, std::span<iovec> pieces, base::Result<void>& result) override;
  bool is_quiet(net::Descriptor& descriptor) override;
  std::size_t unsent_bytes() const override;
  void finish_writing(net::Descriptor& descriptor) override;

  enum class Step : std::uint8_t {
    done,
    wait_readable,
    wait_writable,
    failed,      // `failure` says why; the alert is on its way
    plain_http,  // the client speaks HTTP without TLS; nothing was sent
    plain_other  // something else that is not TLS
  };
  // Goes on with the handshake as far as it can. `server` is what its callbacks ask, null on the client's side.
  Step shake_hands(net::Descriptor& descriptor, const ServerContext* server, base::Error& failure);

  SSL* ssl() const { return ssl_; }
  // For the callbacks of OpenSSL below an operation of this thread.
  static const ServerContext* current_server();
  static Stream& current();
  // OpenSSL's SSL_CTX_set_msg_callback(): counts what costs us work and carries nothing for whoever reads.
  static void on_record(int writing, int version, int kind, const void* bytes, std::size_t count, SSL* ssl, void*);
  // The server sent a session that can be resumed; it is borrowed. Client's side.
  virtual void on_session(SSL_SESSION*) {}

  static void* operator new(std::size_t bytes) { return base::allocate_frame(bytes); }
  static void operator delete(void* memory, std::size_t bytes) { base::free_frame(memory, bytes); }

 private:
  // Ciphertext that the socket has not taken yet.
  struct Unsent;
  class Operation;
  friend int read_socket(BIO*, char*, std::size_t, std::size_t*);

  enum class Sent : std::uint8_t { all, some, none, broken };
  Sent send_unsent(net::Descriptor& descriptor);
  Sent flush(net::Descriptor& descriptor);
  void keep_ticket();
  bool take_ticket_along();
  base::Error read_error(int returned);
  bool is_flooded() const { return idle_records_ > kMaxIdleRecords; }
  void carried(std::size_t bytes) { idle_records_ -= std::min(idle_records_, bytes / kBytesPerIdleRecord); }

  // Records without application data: so many at once, and then one for so many bytes. Sensible peers send a KeyUpdate
  // after millions of records, and a ticket or two.
  static constexpr std::size_t kMaxIdleRecords = 32;
  static constexpr std::size_t kBytesPerIdleRecord = 64;

  SSL* ssl_;
  std::unique_ptr<Unsent> unsent_;
  std::size_t idle_records_ = 0;
  bool established_ = false;
  bool first_byte_seen_ = false;
  bool broken_ = false;        // by an error of TLS or the socket: nothing more can be said to the peer
  bool finished_ = false;      // close_notify was sent
  bool ticket_waits_ = false;  // `unsent_` is the handshake's ticket, which the first write takes along
};

}  // namespace weir::tls
