// The heads that go out: the request as the backend sees it, the response as the client sees it.

#include "base/text.h"
#include "http/head_writer.h"
#include "http/target.h"
#include "proxy/exchange.h"

namespace weir::proxy {

using http::HeaderField;
using http::HeaderId;

namespace {

constexpr std::string_view kHsts = "strict-transport-security";
constexpr std::string_view kRealIp = "x-real-ip";
constexpr std::string_view kForwardedPort = "x-forwarded-port";

}  // namespace

bool Exchange::write_request_head(http::HeadWriter& writer) {
  bool routed = route_ != route::kNoRoute;
  const route::HeaderChanges* changes = routed ? &listener_->routes->request_headers(route_) : nullptr;
  // To an origin the target goes in origin-form (RFC 9112 3.2.1).
  std::string_view target = routed ? listener_->routes->rewritten_target(route_, request_, *this, arena_)
                                   : http::origin_target(request_, arena_);
  std::string_view host;
  if (routed) {
    std::optional<std::string_view> rewritten = listener_->routes->rewritten_host(route_, request_, *this, arena_);
    if (!rewritten) return false;
    host = *rewritten;
  }
  if (host.empty()) host = request_.authority;
  http::HopByHop hop_by_hop(request_.headers);
  if (target.empty()) return false;
  const config::Forward& forward = listener_->config->forward;
  bool drop_expect = !request_.expects_continue;

  writer.request_line(request_.method, target);
  writer.field("host", host);
  http::write_fields(writer, request_.headers, client_side_.head_text(), [&](const HeaderField& field) {
    if (field.id == HeaderId::other) {
      // Of no use without the h2c upgrade, which is not forwarded.
      if (base::equal_ignoring_case(field.name, "http2-settings")) return false;
      if (http::is_said_by_proxies(field.name)) return false;
      if (!peer_trusted_ && http::speaks_for_proxies(field.name)) return false;
      if (forward.real_ip && http::reads_as(field.name, kRealIp)) return false;
      if (forward.port && http::reads_as(field.name, kForwardedPort)) return false;
      // Weir makes its own where the backend wants one (RFC 8441 5).
      if (request_.extended_connect && base::equal_ignoring_case(field.name, "sec-websocket-key")) return false;
      return !hop_by_hop.ends_here(field) && !(changes != nullptr && changes->removes(field));
    }
    if (field.id == HeaderId::host || field.id == HeaderId::x_request_id || replaces(field.id, peer_trusted_))
      return false;
    if (field.id == HeaderId::expect && drop_expect) return false;
    if (field.id == HeaderId::max_forwards && max_forwards_) return false;
    if (field.id == HeaderId::grpc_timeout && has_call_deadline()) return false;
    return !hop_by_hop.ends_here(field) && !(changes != nullptr && changes->removes(field));
  });
  auto own_field = [&](std::string_view name, HeaderId id, std::string_view value) {
    bool replaced = changes != nullptr && changes->removes({.name = name, .value = value, .id = id});
    if (!replaced && !value.empty()) writer.field(name, value);
  };
  own_field("x-forwarded-for", HeaderId::x_forwarded_for, forwarded_.forwarded_for);
  own_field("x-forwarded-proto", HeaderId::x_forwarded_proto, forwarded_.forwarded_proto);
  own_field("x-forwarded-host", HeaderId::x_forwarded_host, forwarded_.forwarded_host);
  if (forward.real_ip) own_field(kRealIp, HeaderId::other, address_text(forwarded_.client, arena_));
  if (forward.port) {
    own_field(kForwardedPort, HeaderId::other,
              forwarded_.forwarded_port.empty() ? port_text(port_of(client_), arena_) : forwarded_.forwarded_port);
  }
  own_field("x-request-id", HeaderId::x_request_id, request_id_);
  if (has_call_deadline()) own_field("grpc-timeout", HeaderId::grpc_timeout, call_timeout());
  if (client_.facts != nullptr && client_.facts->client_certificate != nullptr) {
    const tls::ClientIdentity& identity = *client_.facts->client_certificate;
    own_field("x-client-cert-subject", HeaderId::other, identity.subject);
    own_field("x-client-cert-san", HeaderId::other, identity.names);
    own_field("x-client-cert-sha256", HeaderId::other, identity.fingerprint);
  }
  if (max_forwards_) writer.field("max-forwards", max_forwards_->value);
  if (!listener_->config->via.empty()) http::write_via(writer, request_.version, listener_->config->via);
  if (changes != nullptr) write_changes(writer, *changes);
  return true;
}

bool Exchange::write_response_head(http::HeadWriter& writer) {
  const route::HeaderChanges* changes =
      route_ != route::kNoRoute ? &listener_->routes->response_headers(route_) : nullptr;
  http::HopByHop hop_by_hop(response_.headers);
  bool interim = response_.status < 200;
  // What the client is to upgrade to (RFC 9110 15.5.22).
  bool keeps_upgrade = response_.status == 426 && response_.headers.find(HeaderId::upgrade) != nullptr;
  bool has_date = response_.headers.find(HeaderId::date) != nullptr;

  writer.status_line(response_.status, response_.reason);
  http::write_fields(writer, response_.headers, backend_side_->head_text(), [&](const HeaderField& field) {
    // RFC 9110 8.6: no Content-Length in 1xx and 204, whatever the backend says.
    if (field.id == HeaderId::content_length && (interim || response_.status == 204)) return false;
    if (!listener_->hsts.empty() && base::equal_ignoring_case(field.name, kHsts)) return false;
    if (keeps_upgrade && field.id == HeaderId::upgrade) return !(changes != nullptr && changes->removes(field));
    return !hop_by_hop.ends_here(field) && !(changes != nullptr && changes->removes(field));
  });
  if (keeps_upgrade) writer.field("connection", "upgrade");
  if (!interim) {
    // RFC 9110 6.6.1: who forwards a response without Date adds one.
    bool own_date =
        !has_date && !(changes != nullptr && changes->removes({.name = "date", .value = {}, .id = HeaderId::date}));
    if (own_date) writer.field("date", worker_.dates.at(worker_.unix_ms() / 1000));
    if (tell_method_) {
      std::string_view cookie = pool_->method->chosen(sticky_client(), tries_.index(), arena_);
      if (!cookie.empty()) writer.field("set-cookie", cookie);
    }
    if (!listener_->hsts.empty()) writer.field(kHsts, listener_->hsts);
  }
  if (!listener_->config->via.empty()) http::write_via(writer, response_.version, listener_->config->via);
  if (changes != nullptr) write_changes(writer, *changes);
  return true;
}

}  // namespace weir::proxy
