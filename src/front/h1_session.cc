#include "front/h1_session.h"

#include <algorithm>

#include "exchange/error_page.h"
#include "exchange/exchange.h"
#include "exchange/h1_client.h"
#include "exchange/incoming.h"
#include "front/h2_session.h"
#include "front/linger.h"
#include "http/h1_codec.h"
#include "worker/timeouts.h"

namespace weir::front {

using base::ErrorCode;

namespace {

// The rules of a listener for reading a header, copied: the snapshot may change meanwhile.
struct ReadingRules {
  http::HeadLimits limits;
  base::Nanoseconds header_timeout;
  base::Nanoseconds idle_timeout;
  bool prior_knowledge;  // clients may begin with HTTP/2 at once (RFC 9113 3.3)
};

ReadingRules reading_rules(const worker::ClientConnection& client) {
  const worker::Snapshot& snapshot = *client.worker.snapshot_of(client.listening);
  if (client.listening.index == UINT32_MAX) return {{}, std::chrono::seconds(1), std::chrono::milliseconds(1), false};
  const config::Listener& listener = *snapshot.listeners[client.listening.index]->config;
  return {.limits = {.start_line_bytes = listener.limits.request_line_bytes,
                     .head_bytes = listener.limits.header_bytes,
                     .header_count = listener.limits.header_count},
          .header_timeout = listener.timeouts.header.value_or(snapshot.timeouts.header),
          .idle_timeout = listener.timeouts.idle.value_or(snapshot.timeouts.idle),
          .prior_knowledge = listener.http2.enabled && listener.protocol == config::ListenerProtocol::http};
}

// Some clients send one behind a body (RFC 9112 2.2). It is no beginning of a request.
constexpr std::string_view kEmptyLine = "\r\n";

// `drained`: refused, because the listener has closed.
enum class HeadOutcome { complete, refused, drained, ended };

// Why no more of a head comes than has come.
http::Parsed unfinished(const base::Result<std::size_t>& got, bool listener_closed) {
  bool late = !got && got.error().code == ErrorCode::timeout;
  const char* too_late = listener_closed ? "the listener closed before the request header was complete"
                                         : "no whole request header within timeouts.header";
  const char* gone = got ? "the client closed the connection within the request header"
                         : "the client reset the connection within the request header";
  return {.state = http::Parsed::State::invalid,
          .consumed = 0,
          .status = late ? std::uint16_t{408} : exchange::kClientClosedRequest,
          .what = late ? too_late : gone};
}

// Reads until a head is complete in `incoming`; `parsed` says why when it never will be.
net::Task<HeadOutcome> read_head(worker::TcpConnection& client, exchange::Incoming& incoming, http::RequestHead& head,
                                 http::Parsed& parsed) {
  ReadingRules rules = reading_rules(client);
  base::TimePoint deadline = client.worker.reactor.now() + rules.header_timeout;
  while (true) {
    if (!incoming.empty()) {
      parsed = http::parse_request_head(incoming.bytes(), rules.limits, head);
      if (parsed.state == http::Parsed::State::complete) co_return HeadOutcome::complete;
      if (parsed.state == http::Parsed::State::invalid) co_return HeadOutcome::refused;
    }
    base::TimePoint by = std::min(deadline, client.listening.begin_by);
    base::Result<std::size_t> got = co_await client.stream.read(incoming.add_room(), by);
    bool ended = !got || *got == 0;
    bool cancelled = !got && got.error().code == ErrorCode::cancelled;
    if (ended && !cancelled && !incoming.empty() && incoming.bytes() != kEmptyLine) {
      // The bytes may have moved since they were parsed.
      static_cast<void>(http::parse_request_head(incoming.bytes(), rules.limits, head));
      // The listener may have closed while more was waited for.
      bool closed = client.listening.begin_by < deadline;
      parsed = unfinished(got, closed);
      co_return (closed && parsed.status == 408) ? HeadOutcome::drained : HeadOutcome::refused;
    }
    if (ended) co_return HeadOutcome::ended;
    incoming.added(*got);
  }
}

// Behind a slow reader the socket has no room for the end of TLS, without which a response that lasts until the end of
// the connection looks cut off.
net::Task<void> announce_end(worker::TcpConnection& client) {
  client.stream.announce_end();
  static_cast<void>(co_await client.stream.write(std::string_view(), reading_rules(client).idle_timeout));
}

// No method of HTTP/1 begins so (RFC 9113 3.4).
constexpr std::string_view kH2Begin = "PRI ";
bool may_become_h2(std::string_view bytes) { return bytes.size() < kH2Begin.size() && kH2Begin.starts_with(bytes); }

// Serves what is there now and whatever is pipelined behind it. True when the connection may wait for more.
net::Task<bool> serve_ready(worker::TcpConnection& client) {
  worker::Worker& worker = client.worker;
  exchange::Incoming incoming;
  do {
    std::unique_ptr<worker::ExchangeState> state = worker.take_state();
    http::Parsed parsed;
    bool keep = false;
    bool lingers = false;
    {
      HeadOutcome outcome;
      // The usual case without a frame for it: the whole head is there at the first read.
      base::Result<std::size_t> got = 0;
      if (incoming.empty()) {
        ReadingRules rules = reading_rules(client);
        base::TimePoint deadline = worker.reactor.now() + rules.header_timeout;
        bool first = rules.prior_knowledge && client.requests == 0;
        do {
          base::TimePoint by = std::min(deadline, client.listening.begin_by);
          got = co_await client.stream.read(incoming.add_room(), by);
          if (!got || *got == 0) {
            worker.give_back(std::move(state));
            co_return false;
          }
          incoming.added(*got);
        } while (first && may_become_h2(incoming.bytes()));
        if (first && incoming.bytes().starts_with(kH2Begin)) {
          worker.give_back(std::move(state));
          co_await continue_as_h2(client, incoming);
          co_return false;
        }
        parsed = http::parse_request_head(incoming.bytes(), rules.limits, state->request);
      }
      if (parsed.state == http::Parsed::State::complete) {
        outcome = HeadOutcome::complete;
      } else {
        outcome = co_await read_head(client, incoming, state->request, parsed);
      }
      if (outcome != HeadOutcome::ended) {
        client.stage = worker::Stage::working;
        bool complete = outcome == HeadOutcome::complete;
        exchange::H1Client side(client, *state, incoming, complete ? parsed.consumed : incoming.bytes().size());
        if (complete) {
          co_await exchange::serve_exchange(client, side, *state);
        } else {
          bool drained = outcome == HeadOutcome::drained;
          worker::Termination how = drained ? worker::Termination::drained : worker::Termination::ok;
          co_await exchange::refuse_exchange(client, side, *state, parsed, how);
        }
        keep = side.finish();
        if (!keep && client.stream && client.stream.is_filtered()) co_await announce_end(client);
        lingers = !keep && side.must_linger();
      }
    }
    worker.give_back(std::move(state));
    ++client.requests;
    if (lingers) {
      incoming.release();
      co_await linger(client);
    }
    if (!keep) co_return false;
    client.stage = worker::Stage::beginning;  // of what is pipelined
    if (incoming.bytes() == kEmptyLine) incoming.drop(kEmptyLine.size());
  } while (!incoming.empty());
  co_return true;
}

}  // namespace

net::Task<void> serve_h1(worker::Arrival& arrival, net::TcpStream& stream) {
  worker::TcpConnection client(std::move(arrival), std::move(stream));
  client.limit_age();
  while (true) {
    ReadingRules rules = reading_rules(client);
    base::Nanoseconds patience = client.requests == 0 ? rules.header_timeout : rules.idle_timeout;
    if (client.listening.closing) patience = std::min<base::Nanoseconds>(patience, worker::kClosingGrace);
    client.stage = worker::Stage::waiting;
    base::Result<void> ready = co_await client.stream.wait_for_work(client.worker.reactor.now() + patience);
    if (!ready) break;
    client.stage = worker::Stage::beginning;
    bool keep = co_await serve_ready(client);
    if (!keep) break;
  }
}

}  // namespace weir::front
