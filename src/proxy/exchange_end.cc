// The end of an exchange: what is counted and what is logged.

#include <fmt/format.h>

#include "metrics/families.h"
#include "proxy/exchange.h"
#include "worker/tls_facts.h"

namespace weir::proxy {

namespace {

std::string_view name(http::Version version) {
  switch (version) {
    case http::Version::http_1_0:
      return "HTTP/1.0";
    case http::Version::http_1_1:
      return "HTTP/1.1";
    case http::Version::http_2:
      return "HTTP/2";
  }
  return "";
}

}  // namespace

// Copies what finish() will need of the request, whose bytes are about to go.
void Exchange::keep_what_is_logged() {
  for (std::string_view* text :
       {&request_.method, &request_.target, &request_.path, &request_.query, &request_.authority}) {
    *text = arena_.copy(*text);
  }
  request_id_ = arena_.copy(request_id_);
  http::HeaderMap& kept = state_.own_fields;
  kept.clear();
  for (http::HeaderId id : {http::HeaderId::user_agent, http::HeaderId::referer}) {
    if (const http::HeaderField* field = request_.headers.find(id))
      kept.add(arena_.copy(field->name), arena_.copy(field->value));
  }
  std::swap(request_.headers, kept);
}

void Exchange::finish() {
  base::Nanoseconds duration = worker_.reactor.now() - started_;
  const ListenerRuntime& listener = *client_.listening.runtime;
  const pool::Backend* backend = tries_.has_backend() ? &tries_.backend() : nullptr;
  std::uint32_t worker = worker_.index;
  client_side_.bytes_in += body_bytes_;

  metrics::CellKey key{.listener = listener.id,
                       .route = route_,
                       .backend = backend != nullptr ? backend->slot() : metrics::CellKey::kNoBackend,
                       .code = status_};
  metrics::Counter requests = worker_.request_counters.find(snapshot_->version, key, [&](const metrics::CellKey&) {
    char code[8];
    std::string_view code_text(code, static_cast<std::size_t>(fmt::format_to(code, "{}", status_) - code));
    return worker_.services.registry->counter(
        metrics::families::kRequests,
        {listener.name, route_config_ != nullptr ? std::string_view(route_config_->name) : std::string_view(),
         pool_ != nullptr ? std::string_view(pool_->config->name) : std::string_view(),
         backend != nullptr ? std::string_view(backend->id()) : std::string_view(), code_text});
  });
  requests.add(worker);
  if (is_call_) count_call();
  listener.request_duration.observe(worker, static_cast<std::uint64_t>(duration.count()));
  worker_.services.client_bytes_in.add(worker, client_side_.bytes_in);
  worker_.services.client_bytes_out.add(worker, client_side_.bytes_out);

  AccessLog* log = worker_.services.access_log.load(std::memory_order_acquire);
  if (log == nullptr) return;
  std::string client = forwarded_.client.is_unspecified() ? client_.peer.ip.to_string() : forwarded_.client.to_string();
  auto field = [this](http::HeaderId id) {
    const http::HeaderField* found = request_.headers.find(id);
    return found != nullptr ? found->value : std::string_view();
  };
  std::optional<TlsRecord> tls = tls_record(client_);
  AccessRecord record{
      .unix_ms = worker_.unix_ms() - std::chrono::duration_cast<std::chrono::milliseconds>(duration).count(),
      .client = client,
      .client_port = client_.peer.port,
      .method = request_.method,
      .target = request_.target,
      .path = request_.path,
      .query = request_.query,
      .host = request_.authority,
      .version = request_.method.empty() ? std::string_view() : name(request_.version),
      .status = status_,
      .bytes_in = client_side_.bytes_in,
      .bytes_out = client_side_.bytes_out,
      .duration = duration,
      .upstream = upstream_time_,
      .queue = queue_time_,
      .listener = listener.name,
      .route = route_config_ != nullptr ? std::string_view(route_config_->name) : std::string_view(),
      .pool = pool_ != nullptr ? std::string_view(pool_->config->name) : std::string_view(),
      .backend = backend != nullptr ? std::string_view(backend->id()) : std::string_view(),
      .attempts = tries_.tries(),
      .request_id = request_id_,
      .user_agent = field(http::HeaderId::user_agent),
      .referer = field(http::HeaderId::referer),
      .tls = tls ? &*tls : nullptr,
      .termination = proxy::name(termination_),
      .detail = detail_};
  log->write(worker, record);
}

}  // namespace weir::proxy
