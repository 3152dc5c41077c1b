#include "exchange/heads.h"

#include "base/text.h"
#include "http/forward.h"
#include "http/status.h"
#include "http/target.h"

namespace weir::exchange {

using http::HeaderField;
using http::HeaderId;

namespace {

constexpr std::string_view kRealIp = "x-real-ip";
constexpr std::string_view kForwardedPort = "x-forwarded-port";

void write_changes(http::HeadWriter& writer, const HeadContext& context, const route::HeaderChanges& changes) {
  changes.append(context.request, context.values, context.arena,
                 [&](std::string_view name, std::string_view value) { writer.field(name, value); });
}

// The changes to a head: those of filters, then those of the route.
struct Edits {
  const filter::HeadEdit* filters;
  const route::HeaderChanges* route;

  // Most heads are not changed at all.
  bool any() const { return filters != nullptr || route != nullptr; }
  bool remove(const HeaderField& field) const { return any() && removes(field); }
  void add(http::HeadWriter& writer, const HeadContext& context) const {
    if (any()) write_added(writer, context);
  }

 private:
  [[gnu::noinline]] bool removes(const HeaderField& field) const {
    return (filters != nullptr && filters->removes(field)) || (route != nullptr && route->removes(field));
  }
  [[gnu::noinline]] void write_added(http::HeadWriter& writer, const HeadContext& context) const {
    if (filters != nullptr) {
      for (const HeaderField& field : filters->added()) {
        if (route == nullptr || !route->removes(field)) writer.field(field.name, field.value);
      }
    }
    if (route != nullptr) write_changes(writer, context, *route);
  }
};

Edits response_edits(const HeadContext& context) {
  const Facts& facts = context.facts;
  bool routed = facts.route != route::kNoRoute;
  return {context.response_edit, routed ? &facts.listener->routes->response_headers(facts.route) : nullptr};
}

Edits request_edits(const HeadContext& context) {
  const Facts& facts = context.facts;
  bool routed = facts.route != route::kNoRoute;
  return {context.request_edit, routed ? &facts.listener->routes->request_headers(facts.route) : nullptr};
}

// Target and Host as the backend sees them. Empty target: the route's rewrite makes none.
struct Destination {
  std::string_view target;
  std::string_view host;
};

Destination destination(const HeadContext& context) {
  const Facts& facts = context.facts;
  // To an origin the target goes in origin-form (RFC 9112 3.2.1).
  if (facts.route == route::kNoRoute) {
    return {http::origin_target(context.request, context.arena), context.request.authority};
  }
  const route::Table& routes = *facts.listener->routes;
  std::string_view target = routes.rewritten_target(facts.route, context.request, context.values, context.arena);
  std::optional<std::string_view> host =
      routes.rewritten_host(facts.route, context.request, context.values, context.arena);
  if (!host) return {};
  return {target, host->empty() ? context.request.authority : *host};
}

// Received fields whose names Weir does not know.
bool passes_unknown(const HeaderField& field, const Facts& facts, const http::RequestHead& request) {
  // Useless without the h2c upgrade, which is not forwarded.
  if (base::equal_ignoring_case(field.name, "http2-settings")) return false;
  if (http::is_said_by_proxies(field.name)) return false;
  if (!facts.peer_trusted && http::speaks_for_proxies(field.name)) return false;
  const config::Forward& forward = facts.listener->config->forward;
  if (forward.real_ip && http::reads_as(field.name, kRealIp)) return false;
  if (forward.port && http::reads_as(field.name, kForwardedPort)) return false;
  // Weir makes its own where the backend wants one (RFC 8441 5).
  return !(request.extended_connect && base::equal_ignoring_case(field.name, "sec-websocket-key"));
}

bool passes_known(HeaderId id, const Facts& facts, const http::RequestHead& request, bool drops_length) {
  if (id == HeaderId::content_length) return !drops_length;
  if (id == HeaderId::host || id == HeaderId::x_request_id || replaces(id, facts.peer_trusted)) return false;
  if (id == HeaderId::expect && !request.expects_continue) return false;
  if (id == HeaderId::max_forwards && facts.max_forwards) return false;
  return id != HeaderId::grpc_timeout || !facts.has_call_deadline();
}

// The fields in which Weir says who the client is and what it knows of the request.
template <typename Field>
void write_own_fields(const HeadContext& context, const RequestHop& hop, Field&& field) {
  const Facts& facts = context.facts;
  field("x-forwarded-for", HeaderId::x_forwarded_for, facts.forwarded.forwarded_for);
  field("x-forwarded-proto", HeaderId::x_forwarded_proto, facts.forwarded.forwarded_proto);
  field("x-forwarded-host", HeaderId::x_forwarded_host, facts.forwarded.forwarded_host);
  const config::Forward& forward = facts.listener->config->forward;
  if (forward.real_ip) field(kRealIp, HeaderId::other, address_text(facts.forwarded.client, context.arena));
  if (forward.port) {
    std::string_view said = facts.forwarded.forwarded_port;
    field(kForwardedPort, HeaderId::other, said.empty() ? port_text(hop.listener_port, context.arena) : said);
  }
  field("x-request-id", HeaderId::x_request_id, facts.request_id);
  if (!hop.call_timeout.empty()) field("grpc-timeout", HeaderId::grpc_timeout, hop.call_timeout);
  if (facts.certificate == nullptr) return;
  field("x-client-cert-subject", HeaderId::other, facts.certificate->subject);
  field("x-client-cert-san", HeaderId::other, facts.certificate->names);
  field("x-client-cert-sha256", HeaderId::other, facts.certificate->fingerprint);
}

}  // namespace

bool write_request_head(http::HeadWriter& writer, const HeadContext& context, const RequestHop& hop) {
  const Facts& facts = context.facts;
  const http::RequestHead& request = context.request;
  Edits edits = request_edits(context);
  Destination to = destination(context);
  if (to.target.empty()) return false;
  http::HopByHop hop_by_hop(request.headers);

  writer.request_line(request.method, to.target);
  writer.field("host", to.host);
  http::write_fields(writer, request.headers, hop.received_text, [&](const HeaderField& field) {
    bool passes = field.id == HeaderId::other ? passes_unknown(field, facts, request)
                                              : passes_known(field.id, facts, request, hop.drops_length);
    return passes && !hop_by_hop.ends_here(field) && !edits.remove(field);
  });
  write_own_fields(context, hop, [&](std::string_view name, HeaderId id, std::string_view value) {
    if (!value.empty() && !edits.remove({.name = name, .value = value, .id = id})) writer.field(name, value);
  });
  if (facts.max_forwards) writer.field("max-forwards", facts.max_forwards->value);
  const std::string& via = facts.listener->config->via;
  if (!via.empty()) http::write_via(writer, request.version, via);
  edits.add(writer, context);
  return true;
}

bool write_response_head(http::HeadWriter& writer, const HeadContext& context, const ResponseHop& hop) {
  const worker::ListenerSnapshot& listener = *context.facts.listener;
  const http::ResponseHead& response = hop.response;
  Edits edits = response_edits(context);
  http::HopByHop hop_by_hop(response.headers);
  bool interim = response.status < 200;
  // The protocols that the client is to upgrade to (RFC 9110 15.5.22).
  bool keeps_upgrade = response.status == 426 && response.headers.find(HeaderId::upgrade) != nullptr;

  // RFC 9110 8.6: no Content-Length in 1xx and 204, whatever the backend says.
  const bool has_no_length = interim || response.status == 204 || hop.drops_length;

  writer.status_line(response.status, response.reason);
  http::write_fields(writer, response.headers, hop.received_text, [&](const HeaderField& field) {
    if (field.id == HeaderId::content_length && has_no_length) return false;
    if (keeps_upgrade && field.id == HeaderId::upgrade) return !edits.remove(field);
    return !hop_by_hop.ends_here(field) && !edits.remove(field);
  });
  if (keeps_upgrade) writer.field("connection", "upgrade");
  if (!interim) {
    bool own_date = !hop.date.empty() && !edits.remove({.name = "date", .value = {}, .id = HeaderId::date});
    if (own_date) writer.field("date", hop.date);
    if (!hop.sticky_cookie.empty()) writer.field("set-cookie", hop.sticky_cookie);
  }
  if (!listener.config->via.empty()) http::write_via(writer, response.version, listener.config->via);
  edits.add(writer, context);
  return true;
}

bool write_answer_head(http::HeadWriter& writer, const HeadContext& context, const Answer& answer) {
  const Facts& facts = context.facts;
  writer.status_line(answer.status, http::reason_phrase(answer.status));
  Edits edits = response_edits(context);
  for (const HeaderField& field : answer.fields) {
    if (!edits.remove(field)) writer.field(field.name, field.value);
  }
  // All of a call's answer is trailers, where the field has no meaning.
  bool trailers_only = facts.is_call && context.request.version == http::Version::http_2;
  bool has_length = answer.status >= 200 && answer.status != 204 && answer.status != 304;
  if (has_length && !trailers_only) writer.field("content-length", answer.body.size());
  edits.add(writer, context);
  return true;
}

}  // namespace weir::exchange
