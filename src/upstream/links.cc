#include "upstream/links.h"

#include "tls/handshake.h"

namespace weir::upstream {

namespace {

using base::ErrorCode;

constexpr std::string_view kHttp1 = "http/1.1";

// The version is what the backend says in its handshake. In clear there is none, and `auto` means HTTP/1.1.
bool is_by_alpn(const LinkRequest& request) {
  return request.protocol == config::PoolProtocol::automatic && request.options.wants_tls();
}

enum class Way : std::uint8_t { h1, h1_for_websocket, h2 };

Way way_of(H2Links& h2_links, const LinkRequest& request) {
  if (request.protocol == config::PoolProtocol::h2) return Way::h2;
  if (!is_by_alpn(request) || !h2_links.has_links(request.options)) return Way::h1;
  // Most that speak HTTP/2 take WebSockets by HTTP/1.1 only.
  bool refused = request.tunnel == Tunnel::websocket && h2_links.refuses_tunnels(request.options);
  return refused ? Way::h1_for_websocket : Way::h2;
}

AcquireOptions h2_options(const LinkRequest& request) {
  AcquireOptions options = request.options;
  // Whether the backend takes tunnels its SETTINGS say.
  options.established = request.tunnel == Tunnel::websocket;
  return options;
}

bool may_take_idle(const AcquireOptions& options) { return !options.fresh && !options.unshared; }

net::Task<base::Result<Link>> acquire_h2(H2Links& h2_links, AcquireOptions options) {
  H2Link* link = nullptr;
  if (options.unrepeatable) {
    link = co_await h2_links.find_alive(options);
  } else {
    link = h2_links.find(options);
  }
  if (link != nullptr) co_return Link{.h2 = link};
  base::Result<H2Link*> acquired = co_await h2_links.acquire(options);
  if (!acquired) co_return std::unexpected(acquired.error());
  co_return Link{.h2 = *acquired};
}

bool refuses_tunnel(const LinkRequest& request, const Link& link) {
  return request.tunnel == Tunnel::websocket && !link.h2->connection.peer_takes_extended_connect();
}

}  // namespace

Links::Links(std::uint32_t worker, http2::Shared& shared, net::DescriptorBudget* descriptors)
    : places_(worker),
      opener_(worker, descriptors),
      connections_(worker, places_, opener_),
      h2_(worker, places_, opener_, shared) {
  opener_.make_room_by(connections_, h2_);
}

void Links::set_peers(std::span<const Peer> peers) {
  places_.set_peers(peers);
  opener_.set_peers(peers);
  connections_.set_peers(peers);
  h2_.set_peers(peers);
}

void Links::follow_snapshot() {
  connections_.close_idle_of_retired();
  h2_.close_retired();
  opener_.addresses_changed();
}

std::optional<Link> Links::take(const LinkRequest& request) {
  Way way = way_of(h2_, request);
  if (way == Way::h2) {
    if (request.options.unrepeatable || request.tunnel == Tunnel::websocket) return std::nullopt;
    H2Link* link = h2_.find(request.options);
    if (link == nullptr) return std::nullopt;
    return Link{.h2 = link};
  }
  if (way == Way::h1_for_websocket || !may_take_idle(request.options)) return std::nullopt;
  Lease lease = connections_.take_idle(request.options);
  if (!lease) return std::nullopt;
  return Link{.lease = std::move(lease)};
}

net::Task<base::Result<Link>> Links::acquire(LinkRequest request) {
  Way way = way_of(h2_, request);
  if (way == Way::h2) {
    base::Result<Link> link = co_await acquire_h2(h2_, h2_options(request));
    // Where there is another way than HTTP/2, a WebSocket takes it now that the backend has said so.
    bool turns = link && request.protocol == config::PoolProtocol::automatic && refuses_tunnel(request, *link);
    if (!turns) co_return link;
    way = Way::h1_for_websocket;
  }
  AcquireOptions& options = request.options;
  if (way == Way::h1_for_websocket) options.only_protocol = kHttp1;
  Link link;
  if (may_take_idle(options)) link.lease = connections_.take_idle(options);
  if (link.lease) co_return link;
  base::Result<Lease> acquired = co_await connections_.acquire(options);
  // A backend that insists on HTTP/2 serves all others: it does not do what this client asks for.
  bool insists = !acquired && !options.only_protocol.empty() && acquired.error().code == ErrorCode::protocol;
  if (insists) co_return std::unexpected(kNoWebSockets);
  if (!acquired) co_return std::unexpected(acquired.error());
  link.lease = std::move(*acquired);
  if (link.lease.reused() || !is_by_alpn(request)) co_return link;
  std::string_view agreed = tls::protocol(link.lease.stream());
  if (!options.only_protocol.empty() && agreed != options.only_protocol) co_return std::unexpected(kNoWebSockets);
  if (agreed != "h2") co_return link;
  h2_.adopt(options, link.lease.take_stream());
  co_return co_await acquire(request);
}

}  // namespace weir::upstream
