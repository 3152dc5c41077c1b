// One worker's HTTP/2 connections to one backend. Private to upstream.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "upstream/h2_links.h"

namespace weir::upstream {

struct QueuedForStream final : base::ListHook<QueuedForStream> {
  net::Waiter waiter;
  std::optional<base::Error> failed;  // the connection it waited for could not be opened
};

struct H2OfBackend {
  explicit H2OfBackend(std::shared_ptr<pool::Backend> which) : backend(std::move(which)) {}
  // Takes over what the pool's configuration says now.
  void use(const AcquireOptions& options) {
    settings = *options.settings;
    max_connections = options.backend->max_connections;
  }
  // Streams that one of its connections may have: as the last SETTINGS said, for connections that wait for theirs.
  std::uint32_t stream_limit = 100;
  bool unused() const { return links.empty() && queue.empty() && acquiring == 0 && inherited == 0; }
  void wake_all(const base::Error* failed = nullptr) {
    while (QueuedForStream* first = queue.pop_front()) {
      if (failed != nullptr) first->failed = *failed;
      first->waiter.wake();
    }
  }
  // A connection whose SETTINGS are still to come.
  bool has_young() {
    bool found = opening > 0;
    links.for_each([&](H2Link& link) { found |= link.has_room() && !link.connection.is_established(); });
    return found;
  }
  // It has said that it takes no requests at all for now: on another connection it would say the same.
  bool is_closed_to_us() {
    bool found = false;
    links.for_each([&](H2Link& link) {
      found |= link.connection.is_established() && !link.connection.is_ending() && link.connection.stream_limit() == 0;
    });
    return found;
  }
  // Connections that go on taking streams.
  std::uint32_t lasting() {
    std::uint32_t count = 0;
    links.for_each([&](H2Link& link) { count += link.connection.is_ending() ? 0 : 1; });
    return count;
  }
  // One that has lost its last stream: its place comes free at once.
  bool has_gone() {
    bool found = false;
    links.for_each([&](H2Link& link) { found |= link.connection.is_ending() && link.connection.open_streams() == 0; });
    return found;
  }
  // As many as there is room for.
  void wake_some(std::uint32_t count) {
    for (; count > 0 && !queue.empty(); --count) queue.pop_front()->waiter.wake();
  }

  std::shared_ptr<pool::Backend> backend;
  config::UpstreamConnections settings;  // as of the last acquisition
  std::uint32_t max_connections = 0;     // likewise
  base::IntrusiveList<H2Link> links;
  base::IntrusiveList<QueuedForStream> queue;
  std::uint32_t inherited = 0;  // places that other workers have left to this one
  bool asking = false;          // for such a place: the question goes round
  std::uint32_t opening = 0;    // connections being opened
  std::uint32_t acquiring = 0;  // coroutines that hold a reference to this
};

}  // namespace weir::upstream
