#include "front/proxy_stage.h"

#include <array>

#include "front/unserved.h"
#include "net/client_hello.h"
#include "net/peek.h"
#include "net/proxy_protocol.h"
#include "worker/termination.h"

namespace weir::front {
namespace {

using base::ErrorCode;

// A connection whose first bytes were not what they must be.
void refuse(worker::Arrival& arrival, worker::Refusal why, base::Error error) {
  arrival.listening.runtime->count_refused(why, arrival.worker.index);
  if (error.code == ErrorCode::cancelled) {
    error.what = worker::kListenerDrained;
  } else {
    error.side = base::Side::client;
  }
  log_unserved(arrival, {.version = why == worker::Refusal::client_hello ? "TLS" : "TCP", .error = error});
}

constexpr base::Error kNoHeader{.code = ErrorCode::protocol,
                                .what = "no PROXY header, or a malformed one, where proxy_protocol wants one"};
constexpr base::Error kNoHello{.code = ErrorCode::protocol, .what = "not a TLS ClientHello"};

// Parses the bytes of a header that are there; `shown` is how many. In a function of its own, so that a connection that
// waits for its header does not hold the longest one in its frame.
base::Result<net::ProxyHeader> look_at_header(net::TcpStream& stream, std::size_t& shown) {
  std::array<char, net::kMaxProxyHeaderBytes> bytes;
  base::Result<std::size_t> got = net::peek(stream, bytes);
  if (!got) return std::unexpected(got.error());
  shown = *got;
  return net::parse_proxy_header({bytes.data(), *got});
}

}  // namespace

net::Task<bool> read_proxy_header(worker::Arrival& arrival, net::TcpStream& stream, config::AcceptProxy rule,
                                  bool trusted, base::Nanoseconds patience) {
  bool required = rule == config::AcceptProxy::required;
  if (!trusted) {
    worker::Worker& worker = arrival.worker;
    if (required) {
      arrival.listening.runtime->refuse(worker::Refusal::proxy_header, worker.index, arrival.facts.peer.ip,
                                        worker.reactor.now());
    }
    co_return !required;
  }
  base::TimePoint deadline = arrival.worker.reactor.now() + patience;
  base::Result<void> ready = co_await stream.wait_readable(deadline);
  std::size_t shown = 0;
  base::Error error = kNoHeader;
  while (ready) {
    base::Result<net::ProxyHeader> header = look_at_header(stream, shown);
    if (!header) {
      error = header.error();
      break;
    }
    if (header->state == net::ProxyHeader::State::absent && !required) co_return true;
    if (header->state == net::ProxyHeader::State::complete) {
      base::Result<void> taken = net::take_peeked(stream, header->bytes);
      if (!taken) break;
      if (header->source) {
        arrival.facts.peer = *header->source;
        arrival.facts.findings().destination = header->destination;
      }
      co_return true;
    }
    if (header->state != net::ProxyHeader::State::incomplete) break;
    ready = co_await net::wait_for_more(stream, deadline);
  }
  // A client that waits for the server to speak first sends nothing, not even part of a header.
  if (!required && !ready && ready.error().code == ErrorCode::timeout) {
    base::Result<net::ProxyHeader> header = look_at_header(stream, shown);
    if (header && shown == 0) co_return true;
  }
  if (!ready) error = worker::naming_timeout(ready.error(), "no whole PROXY header within timeouts.header");
  refuse(arrival, worker::Refusal::proxy_header, error);
  co_return false;
}

net::Task<bool> read_client_hello(worker::Arrival& arrival, net::TcpStream& stream, base::Nanoseconds patience) {
  base::TimePoint deadline = arrival.worker.reactor.now() + patience;
  base::Result<void> ready = co_await stream.wait_readable(deadline);
  base::Error error = kNoHello;
  while (ready) {
    {
      base::Buffer buffer = base::Buffer::large();
      base::Result<std::size_t> got = net::peek(stream, {buffer.data(), buffer.capacity()});
      if (!got) {
        error = got.error();
        break;
      }
      net::ClientHello hello = net::parse_client_hello({buffer.data(), *got});
      if (hello.state == net::ClientHello::State::complete) {
        arrival.facts.findings().hello = std::move(hello);
        co_return true;
      }
      // A hello in pieces too small for what is looked at is nobody's.
      if (hello.state == net::ClientHello::State::invalid || *got == buffer.capacity()) break;
    }
    ready = co_await net::wait_for_more(stream, deadline);
  }
  if (!ready) error = worker::naming_timeout(ready.error(), "no whole TLS ClientHello within timeouts.header");
  refuse(arrival, worker::Refusal::client_hello, error);
  co_return false;
}

}  // namespace weir::front
