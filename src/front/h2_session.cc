#include "front/h2_session.h"

#include <new>

#include "base/memory_reserve.h"
#include "exchange/exchange.h"
#include "exchange/h2_client.h"
#include "front/unserved.h"
#include "http2/connection.h"

namespace weir::front {

namespace {

// A request's stream, and the memory of its exchange.
class RequestStream final : public http2::Stream {
 public:
  explicit RequestStream(std::unique_ptr<worker::ExchangeState> memory)
      : http2::Stream(memory->request, memory->response, memory->arena), state(std::move(memory)) {}
  static void* operator new(std::size_t bytes) { return base::allocate_frame(bytes); }
  static void operator delete(void* memory, std::size_t bytes) { base::free_frame(memory, bytes); }
  std::unique_ptr<worker::ExchangeState> state;
};

void destroy(worker::Worker& worker, RequestStream* stream) {
  std::unique_ptr<worker::ExchangeState> state = std::move(stream->state);
  delete stream;
  worker.give_back(std::move(state));
}

net::Task<void> serve_request(worker::ClientConnection& client, RequestStream* stream, http2::FieldVerdict verdict) {
  try {
    exchange::H2Client side(client, *stream, *stream->state);
    if (verdict.kind == http2::FieldVerdict::Kind::fine) {
      co_await exchange::serve_exchange(client, side, *stream->state);
    } else {
      bool malformed = verdict.kind == http2::FieldVerdict::Kind::malformed;
      http::Parsed parsed{.state = http::Parsed::State::invalid,
                          .status = malformed ? std::uint16_t{400} : verdict.status,
                          .what = verdict.what};
      co_await exchange::refuse_exchange(client, side, *stream->state, parsed);
    }
  } catch (const std::bad_alloc&) {
    stream->reset(NGHTTP2_INTERNAL_ERROR);
  }
  ++client.requests;
  destroy(client.worker, stream);
}

http2::Settings settings_for(const worker::ClientConnection& client) {
  http2::Settings settings;
  const worker::Snapshot& snapshot = *client.worker.snapshot_of(client.listening);
  if (client.listening.index == UINT32_MAX) return settings;
  const config::Listener& listener = *snapshot.listeners[client.listening.index]->config;
  const config::Http2& own = listener.http2;
  settings.max_streams = own.max_streams;
  settings.fields = {.bytes = listener.limits.header_bytes, .count = listener.limits.header_count};
  settings.stream_window_bytes = own.stream_window;
  settings.max_stream_window_bytes = own.max_stream_window;
  settings.growth_bytes = own.window_growth;
  settings.max_resets = own.max_resets;
  settings.header_timeout = listener.timeouts.header.value_or(snapshot.timeouts.header);
  settings.idle_timeout = listener.timeouts.idle.value_or(snapshot.timeouts.idle);
  settings.write_timeout = listener.timeouts.body.value_or(snapshot.timeouts.body);
  return settings;
}

class Session final : public http2::ConnectionOwner, private net::TimerNode {
 public:
  explicit Session(worker::TcpConnection& client)
      : connection(http2::Role::server, client.worker.h2, settings_for(client), client.stream, *this), client_(client) {
    client.stage = worker::Stage::working;
    client.h2 = &connection;
    net::Reactor& reactor = client.worker.reactor;
    if (auto age = worker::age_limit(client, true)) reactor.timers().arm(*this, reactor.tick(reactor.now() + *age));
    if (client.listening.closing) connection.shut_down();
  }
  ~Session() { client_.h2 = nullptr; }

  http2::Stream* begin_request() override {
    // Exchanges of streams that were reset take a moment to end: no more of them than of open ones.
    if (!base::memory_reserve::is_whole()) return nullptr;
    if (requests.size() >= 2 * std::size_t{connection.stream_capacity()}) return nullptr;
    return new RequestStream(client_.worker.take_state());
  }
  void serve(http2::Stream& stream, const http2::FieldVerdict& verdict) override {
    requests.spawn(serve_request(client_, static_cast<RequestStream*>(&stream), verdict));
  }
  void discard(http2::Stream& stream) override { destroy(client_.worker, static_cast<RequestStream*>(&stream)); }
  void on_streams_changed() override {}

  http2::Connection connection;
  net::TaskGroup requests;

 private:
  void on_timer() override { connection.shut_down(); }
  worker::TcpConnection& client_;
};

}  // namespace

net::Task<void> continue_as_h2(worker::TcpConnection& client, exchange::Incoming& incoming) {
  Session session(client);
  // Before there are streams, which it alone can end.
  net::Task<void> running = session.connection.run();
  try {
    if (!incoming.empty()) session.connection.feed(incoming.bytes());
  } catch (const std::bad_alloc&) {
    client.stream.shut_down();
  }
  incoming.release();
  co_await running;
  co_await session.requests.join();
  const std::optional<base::Error>& failure = session.connection.failure();
  if (failure && failure->code == base::ErrorCode::protocol) {
    log_unserved(client, {.version = "HTTP/2", .error = *failure});
  }
}

net::Task<void> serve_h2(worker::Arrival& arrival, net::TcpStream& stream) {
  worker::TcpConnection client(std::move(arrival), std::move(stream));
  exchange::Incoming nothing;
  co_await continue_as_h2(client, nothing);
}

}  // namespace weir::front
