// The backends' side of UDP flows: picking, connecting, what comes back, and the end.

#include <cstring>
#include <new>

#include "base/hash.h"
#include "base/out_of_memory.h"
#include "relay/udp_relay.h"

namespace weir::relay {

using base::ErrorCode;

namespace {

// Windows that a flow with long runs of replies fills in one go.
constexpr std::size_t kBulkWindows = 16;
constexpr std::uint32_t kRunOfReplies = 4;

}  // namespace

void FirstDatagram::keep(std::string_view bytes) {
  if (bytes.empty() || bytes.size() > kMaxBytes) return;
  memory_ = static_cast<char*>(base::allocate_frame(bytes.size()));
  size_ = bytes.size();
  std::memcpy(memory_, bytes.data(), size_);
}

void FirstDatagram::forget() {
  if (memory_ != nullptr) base::free_frame(memory_, size_);
  memory_ = nullptr;
}

void UdpFlow::on_ready() { relay.take_replies(*this); }

// Picks a backend and opens a socket to it. Error: no backend can be had; the flow has no socket then.
base::Result<void> UdpRelay::connect(UdpFlow& flow) {
  worker::BackendTries& tries = flow.tries;
  bool hashes = flow.pool->hash_key.kind != balance::HashKeySource::Kind::none || flow.pool->method != nullptr;
  std::uint64_t key_hash = hashes ? flow.key.client.to_socket_address().ip.hash() : 0;
  std::uint32_t passed_over = 0;
  base::Result<void> failed = std::unexpected(tries.none_is_eligible());
  while (true) {
    std::uint32_t index = tries.pick_for_client(key_hash);
    if (index == balance::kNone || (tries.tries() > 0 && index == tries.index())) return failed;
    const pool::BackendEntry& entry = flow.pool->entry(index);
    // The first look-up of its name is under way: clients send again what is lost until then.
    if (entry.addresses == nullptr)
      return base::fail(ErrorCode::no_backend, "the first look-up of the backend's name is under way");
    if (!entry.backend->places.claim(entry.max_connections)) {
      tries.pass_over(index);
      const std::size_t all = flow.pool->eligible.size() + flow.pool->trials.size();
      if (++passed_over >= std::min<std::size_t>(all, worker::BackendTries::kMaxTried)) {
        return base::fail(ErrorCode::no_backend, "every backend of the pool is at its max_connections");
      }
      continue;
    }
    tries.begin(index);
    tries.reached();
    flow.times.attempt_started = worker_.reactor.now();
    // By another hash than the one that has chosen the backend: each of its addresses is to have its share.
    constexpr std::uint64_t kOtherHash = 0x9e3779b97f4a7c15u;
    auto first = hashes ? static_cast<std::uint32_t>(base::mix(key_hash ^ kOtherHash))
                        : entry.backend->next_address.fetch_add(1, std::memory_order_relaxed);
    flow.backend.addresses =
        pool::AddressRound(*entry.addresses, first, entry.endpoint->failed_addresses, flow.times.attempt_started);
    base::Result<void> opened;
    try {
      opened = open_socket(flow);
    } catch (const std::bad_alloc&) {
      opened = std::unexpected(base::kOutOfMemory);
    }
    if (opened) return opened;
    entry.backend->places.release();
    bool exhausted = opened.error().code == ErrorCode::exhausted;
    if (exhausted) {
      tries.end({});
      return opened;
    }
    failed = std::unexpected(opened.error().on(base::Side::backend));
    failed.error().retry_helps = true;  // nothing was said to the backend
    tries.connect_failed(failed.error());
    tries.end(worker::TryOutcome::of(failed.error()));
    if (!tries.retry(failed.error(), {})) return failed;
  }
}

// To the next of the backend's addresses that was not tried and can be reached. With no descriptor or port left, the
// flow that has been silent longest makes room.
base::Result<void> UdpRelay::open_socket(UdpFlow& flow) {
  const pool::Addresses& addresses = *flow.tries.entry().addresses;
  base::Result<int> fd = base::fail(ErrorCode::unreachable, "connect");
  while (const base::SocketAddress* address = flow.backend.addresses.next(addresses)) {
    fd = net::connect_udp(*address);
    bool may_evict = by_age_.front() != &flow;
    if (!fd && fd.error().code == ErrorCode::exhausted && may_evict && evict_oldest()) fd = net::connect_udp(*address);
    if (fd || fd.error().code == ErrorCode::exhausted) break;
    note_failed_address(flow);
  }
  if (!fd) return std::unexpected(fd.error());
  flow.backend.socket = net::Descriptor::open_for_datagrams(*fd);
  flow.backend.socket->wait_readable(flow, net::kNever);
  if (flow.backend.bulk) net::gather_segments(*fd);
  return {};
}

// Further flows try it last for a while.
void UdpRelay::note_failed_address(const UdpFlow& flow) {
  const pool::Addresses& addresses = *flow.tries.entry().addresses;
  if (addresses.size() < 2) return;
  flow.tries.entry().endpoint->failed_addresses.add(flow.backend.addresses.present(addresses).ip,
                                                    worker_.reactor.now());
}

void UdpRelay::close_descriptor(UdpFlow& flow) {
  flow.backend.socket->stop_waiting_readable();
  std::exchange(flow.backend.socket, nullptr)->close();
}

void UdpRelay::close_socket(UdpFlow& flow) {
  if (flow.backend.socket == nullptr) return;
  close_descriptor(flow);
  flow.tries.backend().places.release();
}

// The backend has refused what it was sent and has never answered: whatever reached it did nothing. Its other addresses
// go before other backends, and are no retries, as with TCP.
bool UdpRelay::try_another(UdpFlow& flow, const base::Error& error) {
  if (flow.backend.socket != nullptr) {
    note_failed_address(flow);
    close_descriptor(flow);
    if (open_socket(flow)) return true;
    flow.tries.backend().places.release();
  }
  flow.tries.connect_failed(error);
  flow.tries.end({.how = worker::TryOutcome::How::failed, .error = error});
  base::Error refused = error;
  refused.retry_helps = true;
  return flow.tries.retry(refused, {}) && connect(flow).has_value();
}

// Sends the outbox to the flow's backend. The flow may be gone afterwards.
void UdpRelay::deliver(UdpFlow* flow) {
  touch(*flow);
  while (true) {
    net::DatagramSender::Outcome outcome = outbox_.flush(flow->fd(), true);
    metrics_.backend_out.add(worker_.index, outcome.sent);
    if (outcome.dropped > 0) metrics_.dropped_unsent.add(worker_.index, outcome.dropped);
    if (outcome.broken == 0) break;
    const base::Error error = base::fail_errno(outcome.broken, "send").error().on(base::Side::backend);
    if (!flow->backend.heard && try_another(*flow, error)) continue;
    bool was_heard = flow->backend.heard;
    UdpEntrance& entrance = flow->entrance;
    UdpFlowKey key = flow->key;
    std::uint32_t hash = flow->hash;
    if (was_heard) flow->tries.connect_failed(error);
    end_failed(*flow, error);
    // One that did answer once, and is gone: what it has not got begins a flow to another.
    flow = was_heard ? begin_flow(entrance, key, hash, 0) : nullptr;
    if (flow != nullptr) {
      flow->totals.datagrams_in = outbox_.waiting();
    } else {
      metrics_.dropped_unreachable.add(worker_.index, outbox_.clear());
      return;
    }
  }
  if (flow->expected_responses == 0u) end(*flow, worker::Termination::ok);
}

void UdpRelay::take_replies(UdpFlow& flow) {
  std::size_t most = flow.backend.bulk ? kBulkWindows : 1;
  if (reply_window_ + most > replies_.windows()) flush_replies();
  base::Result<std::size_t> got = flow.backend.bulk ? replies_.receive(flow.fd(), reply_window_, most)
                                                    : replies_.receive_one(flow.fd(), reply_window_);
  if (!got) return lost(flow, got.error().on(base::Side::backend));
  if (*got == 0) return;
  touch(flow);
  std::uint64_t datagrams = 0;
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < *got; ++i) {
    net::Datagrams reply = replies_.datagrams(reply_window_++);
    flow.entrance.replies.add(reply, &flow.key.client, flow.key.local);
    datagrams += reply.count();
    bytes += reply.bytes.size();
  }
  worker_.reactor.run_at_round_end(*this);
  flow.totals.replies += datagrams;
  flow.activity.unanswered_since = net::kNever;
  flow.totals.bytes_out += bytes;
  metrics_.backend_in.add(worker_.index, datagrams);
  worker_.services.client_bytes_out.add(worker_.index, bytes);
  if (!flow.backend.heard) {
    flow.backend.heard = true;
    flow.first.forget();
    flow.times.first_reply = worker_.reactor.now() - flow.times.attempt_started;
    flow.tries.connected();
    const pool::Addresses& addresses = *flow.tries.entry().addresses;
    if (addresses.size() > 1) {
      flow.tries.entry().endpoint->failed_addresses.remove(flow.backend.addresses.present(addresses).ip);
    }
    flow.tries.responded(flow.times.first_reply);
    flow.pool->runtime->upstream_duration.observe(worker_.index,
                                                  static_cast<std::uint64_t>(flow.times.first_reply.count()));
  }
  flow.activity.replies_in_a_row += static_cast<std::uint32_t>(*got);
  if (!flow.backend.bulk && flow.activity.replies_in_a_row >= kRunOfReplies) {
    flow.backend.bulk = true;
    net::gather_segments(flow.fd());
  }
  const std::optional<std::uint32_t>& expected = flow.expected_responses;
  if (expected && flow.totals.replies >= flow.totals.datagrams_in * *expected) end(flow, worker::Termination::ok);
}

// The backend's side says that datagrams do not arrive there.
void UdpRelay::lost(UdpFlow& flow, const base::Error& error) {
  if (!flow.backend.heard && flow.first && try_another(flow, error)) {
    outbox_.add({.bytes = flow.first.bytes()}, nullptr, {});
    return deliver(&flow);
  }
  if (flow.backend.socket != nullptr) flow.tries.connect_failed(error);
  end_failed(flow, error);
}

void UdpRelay::end(UdpFlow& flow, worker::Termination how, std::string_view detail) {
  close_socket(flow);
  bool answered = flow.backend.heard;
  flow.tries.end({.how = answered ? worker::TryOutcome::How::answered : worker::TryOutcome::How::abandoned,
                  .latency = flow.times.first_reply});
  forget(flow, how, detail);
}

void UdpRelay::end_failed(UdpFlow& flow, const base::Error& failure) {
  close_socket(flow);
  flow.tries.end({.how = worker::TryOutcome::How::failed, .error = failure});
  bool known = failure.code == ErrorCode::refused || failure.code == ErrorCode::timeout;
  forget(flow, known ? worker::termination(failure) : worker::Termination::backend_unreachable, base::cause(failure));
}

void UdpRelay::forget(UdpFlow& flow, worker::Termination how, std::string_view detail) {
  table_.remove(flow);
  by_age_.remove(flow);
  metrics_.flows_active.subtract(worker_.index);
  worker_.services.descriptors.remove_flow();
  worker_.services.backend_bytes_in.add(worker_.index, flow.totals.bytes_out);
  worker_.services.backend_bytes_out.add(worker_.index, flow.totals.bytes_in);
  log(flow, how, detail);
  delete &flow;
  if (by_age_.empty() && drained_ != nullptr) drained_->wake();
}

void UdpRelay::log(const UdpFlow& flow, worker::Termination how, std::string_view detail) {
  access_log::Log* access_log = worker_.services.access_log.load(std::memory_order_acquire);
  if (access_log == nullptr) return;
  base::SocketAddress client_address = flow.key.client.to_socket_address();
  std::string client = client_address.ip.to_string();
  base::Nanoseconds duration = worker_.reactor.now() - flow.times.started;
  access_log::Record record;
  record.unix_ms = worker_.unix_ms() - std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
  record.client = client;
  record.client_port = client_address.port;
  record.version = "UDP";
  record.bytes_in = flow.totals.bytes_in;
  record.bytes_out = flow.totals.bytes_out;
  record.duration = duration;
  record.upstream = flow.times.first_reply;
  record.listener = listening_->runtime->name;
  record.pool = flow.pool->config->name;
  if (flow.tries.has_backend()) record.backend = flow.tries.backend().id();
  record.attempts = flow.tries.tries();
  record.termination = name(how);
  record.detail = detail;
  access_log->write(worker_.index, record);
}

}  // namespace weir::relay
