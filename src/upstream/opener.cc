#include "upstream/opener.h"

#include <algorithm>
#include <utility>

#include "base/try.h"

namespace weir::upstream {

using base::ErrorCode;

namespace {

constexpr auto kLookForRoomEvery = std::chrono::milliseconds(10);

}  // namespace

// HTTP/2 connections take a moment to end, and other workers to answer.
void Opener::ask_for_room() {
  if (idle_h2_ != nullptr) idle_h2_->close_one_idle();
  peers_.for_each_other([](const Peer& peer) {
    peer.reactor->post([there = peer.opener] {
      bool closed = there->idle_ != nullptr && there->idle_->close_one_idle();
      if (!closed && there->idle_h2_ != nullptr) there->idle_h2_->close_one_idle();
    });
  });
}

net::Task<base::Result<void>> Opener::wait_for_room(base::TimePoint deadline) {
  bool has_asked = false;
  while (!descriptors_->has_upstream() && (idle_ == nullptr || !idle_->close_one_idle())) {
    if (!std::exchange(has_asked, true)) ask_for_room();
    net::Reactor& reactor = net::Reactor::current();
    if (reactor.now() >= deadline) {
      co_return base::fail(ErrorCode::exhausted, "no descriptor is left for a connection to the backend");
    }
    WEIR_CO_TRY(co_await net::sleep_until(std::min(deadline, reactor.now() + kLookForRoomEvery)));
  }
  co_return base::Result<void>();
}

net::Task<base::Result<net::TcpStream>> Opener::open(AcquireOptions options) {
  if (descriptors_ != nullptr && !descriptors_->has_upstream()) {
    WEIR_CO_TRY(co_await wait_for_room(net::Reactor::current().now() + options.connect_timeout));
  }
  net::UpstreamDescriptor counted(descriptors_);
  co_return co_await open_one_of(options);
}

// Tries the backend's addresses in turn, another one first each time, and those that failed lately behind the others.
net::Task<base::Result<net::TcpStream>> Opener::open_one_of(AcquireOptions options) {
  pool::Backend& backend = *options.backend->backend;
  pool::FailedAddresses& failed_addresses = options.backend->endpoint->failed_addresses;
  base::TimePoint now = net::Reactor::current().now();
  base::TimePoint deadline = now + options.connect_timeout;
  std::shared_ptr<const pool::Addresses> addresses = options.backend->addresses;
  if (addresses == nullptr) {
    WEIR_CO_TRY_TO(addresses, co_await wait_for_addresses(backend, deadline));
  }
  bool several = addresses->size() > 1;
  std::uint32_t turn = several ? backend.next_address.fetch_add(1, std::memory_order_relaxed) : 0;
  pool::AddressRound round(*addresses, turn, failed_addresses, now);
  base::Error last{.code = ErrorCode::no_backend, .what = "connect"};
  while (const base::SocketAddress* address = round.next(*addresses)) {
    net::ConnectOptions connect_options{.address = *address, .deadline = deadline};
    if (options.source != nullptr) connect_options.source = *options.source;
    base::Result<net::TcpStream> stream = co_await net::connect(connect_options);
    base::Result<void> begun;
    if (stream && !options.preamble.empty()) begun = co_await stream->write(options.preamble, options.connect_timeout);
    if (stream && begun && options.wants_tls()) {
      begun = co_await secure(*stream, options, connect_options.address, connect_options.deadline);
    } else if (stream && !begun) {
      begun = std::unexpected(begun.error().on(base::Side::backend));
    }
    if (stream && begun) {
      if (several) failed_addresses.remove(connect_options.address.ip);
      co_return std::move(*stream);
    }
    last = stream ? begun.error() : stream.error();
    if (last.code == ErrorCode::cancelled || last.code == ErrorCode::exhausted) break;
    now = net::Reactor::current().now();
    if (several) failed_addresses.add(connect_options.address.ip, now);
    deadline = now + options.connect_timeout;
  }
  co_return std::unexpected(last);
}

// The first look-up of the backend's name is under way, or has ended since the snapshot of the caller was made.
net::Task<base::Result<std::shared_ptr<const pool::Addresses>>> Opener::wait_for_addresses(const pool::Backend& backend,
                                                                                           base::TimePoint deadline) {
  while (true) {
    std::shared_ptr<const pool::Addresses> found;
    if (address_source_) found = address_source_(backend);
    if (found != nullptr) co_return found;
    base::Error error{.code = ErrorCode::no_backend, .side = base::Side::backend, .retry_helps = true};
    error.what = "the name of the backend does not resolve";
    if (backend.name_state.load() == pool::NameState::failed) co_return std::unexpected(error);
    WithoutAddress waiting;
    without_address_.push_back(waiting);
    base::Result<void> woken = co_await waiting.waiter.wait_until(deadline);
    if (waiting.linked()) without_address_.remove(waiting);
    if (woken) continue;
    error.code = woken.error().code;
    error.what = "waiting for the first look-up of the backend's name";
    co_return std::unexpected(error);
  }
}

void Opener::addresses_changed() {
  while (WithoutAddress* first = without_address_.pop_front()) first->waiter.wake();
}

net::Task<base::Result<void>> Opener::secure(net::TcpStream& stream, const AcquireOptions& options,
                                             const base::SocketAddress& address, base::TimePoint deadline) {
  tls::ConnectOptions tls_options{.contexts = *options.tls,
                                  .thread = peers_.own(),
                                  .host = options.backend->backend->host(),
                                  .peer = address.to_string(),
                                  .deadline = deadline};
  if (!options.only_protocol.empty()) tls_options.alpn.emplace_back(options.only_protocol);
  base::Result<void> done = co_await tls::connect(stream, std::move(tls_options));
  if (done) co_return done;
  base::Error error = done.error();
  // Nothing was asked of the backend yet.
  error.retry_helps = error.code != ErrorCode::cancelled;
  if (error.code == ErrorCode::closed) error.code = ErrorCode::reset;
  co_return std::unexpected(error);
}

}  // namespace weir::upstream
