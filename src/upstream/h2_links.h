// A worker's HTTP/2 connections to backends: few, with many streams each.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/intrusive_list.h"
#include "http2/connection.h"
#include "net/task_group.h"
#include "upstream/acquire_options.h"
#include "upstream/opener.h"
#include "upstream/place_semaphore.h"

namespace weir::upstream {

struct H2OfBackend;

// One connection; lives until it has ended and its last stream with it.
class H2Link final : public http2::ConnectionOwner, public base::ListHook<H2Link> {
 public:
  H2Link(H2OfBackend& owner, http2::Shared& shared, const http2::Settings& settings, net::TcpStream connected);

  // Can a request be opened on it now?
  bool has_room() const;
  net::TcpStream stream;
  http2::Connection connection;
  std::uint32_t requests = 0;  // opened on it
  bool is_secure = false;
  std::shared_ptr<const pool::Addresses> addresses;  // among which its peer's was when it was last used
  const Peer* heir = nullptr;                        // whose its place is when it has ended; null: anybody's
  base::TimePoint opened_at;

 private:
  http2::Stream* begin_request() override { return nullptr; }
  void serve(http2::Stream&, const http2::FieldVerdict&) override {}
  void discard(http2::Stream&) override {}
  void on_streams_changed() override;
  H2OfBackend& owner_;
};

// The worker's thread only. Its connections take places of the semaphore, as those of HTTP/1 do.
class H2Links final : public IdleHolder {
 public:
  H2Links(std::uint32_t worker, PlaceSemaphore& places, Opener& opener, http2::Shared& shared);
  ~H2Links();
  // All workers, by index; before any worker runs.
  void set_peers(std::span<const Peer> peers) { peers_.set(peers); }

  // A connection with room for one more request, or null.
  H2Link* find(const AcquireOptions& options);
  // The same for a request that cannot be sent again: what the backend has said on the connection, as that it leaves,
  // has been read before.
  net::Task<H2Link*> find_alive(AcquireOptions options);
  // Otherwise: a new one, or the next that has room. The caller opens its stream before it suspends again. Errors:
  // those of Opener::open(); protocol when the backend does not agree to HTTP/2; queue_full; timeout with side ours.
  net::Task<base::Result<H2Link*>> acquire(AcquireOptions options);

  // Whether its backend has spoken HTTP/2 on connections that are still there.
  bool has_links(const AcquireOptions& options);
  // Whether it has said on one of them that it takes no tunnels (RFC 8441 3).
  bool refuses_tunnels(const AcquireOptions& options);
  // Takes over a new connection, with its place, whose backend speaks HTTP/2 on it (by ALPN).
  H2Link* adopt(const AcquireOptions& options, net::TcpStream stream);

  // Connections to backends that take no new work end after their streams. Called when the snapshot changes.
  void close_retired();
  // Lets one that has no streams end, if there is one: descriptors are short.
  bool close_one_idle() override;
  // Ends connections that exchanges still use: their drain timeout has passed.
  void break_busy(const pool::Backend& backend);
  // Ends all, and waits for it.
  net::Task<void> close();

 private:
  H2OfBackend& of(const std::shared_ptr<pool::Backend>& backend);
  H2Link* look(const AcquireOptions& options);
  net::Task<void> run(H2OfBackend& of_backend, std::unique_ptr<H2Link> link);
  H2Link* start(H2OfBackend& of_backend, const AcquireOptions& options, net::TcpStream stream);
  net::Task<base::Result<H2Link*>> open(H2OfBackend& of_backend, const AcquireOptions& options);
  // Until something has changed, or `look_again`; an error at `deadline`.
  net::Task<base::Result<void>> wait(H2OfBackend& of_backend, const AcquireOptions& options, base::TimePoint deadline,
                                     base::TimePoint look_again);
  // A connection cannot change its worker, but its place can. Workers ask each other in a ring, one at a time: first
  // for that of a connection without streams, then for one that comes free when its streams have ended.
  struct PlaceQuestion {
    std::shared_ptr<pool::Backend> backend;
    std::uint32_t asker;
    bool busy_ones = false;
  };
  static bool claim_place(H2OfBackend& of_backend, const AcquireOptions& options);
  void free_place(const H2OfBackend& of_backend);
  void ask_for_place(H2OfBackend& of_backend);
  void ask_next(PlaceQuestion question);
  void give_way(PlaceQuestion question);
  void end_question(const std::shared_ptr<pool::Backend>& backend);
  bool leave_place(const PlaceQuestion& question, const Peer& heir);
  void inherit_place(const std::shared_ptr<pool::Backend>& backend);

  Peers peers_;
  PlaceSemaphore& places_;
  Opener& opener_;
  http2::Shared& shared_;
  std::vector<std::unique_ptr<H2OfBackend>> by_slot_;
  net::TaskGroup running_;
};

}  // namespace weir::upstream
