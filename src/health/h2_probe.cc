#include "health/h2_probe.h"

#include <fmt/format.h>
#include <new>
#include <optional>
#include <vector>

#include "base/text.h"
#include "base/try.h"
#include "health/body_search.h"
#include "health/probe_connection.h"

namespace weir::health {
namespace {

constexpr int kMaxInterimHeads = 16;

class Request {
 public:
  Request(const HttpCheckOptions& options, const CheckTarget& target, base::TimePoint deadline)
      : options_(options), target_(target), deadline_(deadline) {}

  net::Task<Probed> run(http2::Connection& connection) {
    std::string_view path = options_.path_for(target_);
    if (!is_sendable_path(path)) co_return failed("the path of the check cannot be sent");
    http::RequestHead request;
    request.method = options_.method;
    base::Arena arena;
    http2::Stream stream(request, head_, arena);
    http2::FieldList fields;
    std::string authority = options_.host.empty() ? authority_of(target_) : options_.host;
    fields.add(":method", options_.method);
    fields.add(":scheme", target_.tls != nullptr ? "https" : "http");
    fields.add(":authority", authority);
    fields.add(":path", path);
    fields.add("user-agent", "weir-health-check");
    std::vector<std::pair<std::string, std::string>> own = own_headers();
    for (const auto& [name, value] : own) fields.add(name, value);
    base::Result<void> opened = connection.open(stream, fields, true);
    if (!opened) co_return failed(opened.error(), "request", "the connection", target_.timeout);
    WEIR_CO_TRY(co_await read_head(stream));
    if (!options_.expected_status.contains(head_.status)) {
      co_return failed(fmt::format("status {}, expected {}", head_.status, options_.expected_status.text()));
    }
    if (options_.expected_body.empty()) co_return Probed();
    co_return co_await read_body(stream);
  }

 private:
  // Names are lower case, and what is about one connection has no place (RFC 9113 8.2).
  std::vector<std::pair<std::string, std::string>> own_headers() const {
    std::vector<std::pair<std::string, std::string>> own;
    for (const auto& [name, value] : options_.headers) {
      std::string lower = base::to_lower(name);
      if (lower != "keep-alive" && lower != "proxy-connection" && lower != "te") own.emplace_back(lower, value);
    }
    return own;
  }

  // Interim responses are skipped (RFC 9110 section 15.2).
  net::Task<Probed> read_head(http2::Stream& stream) {
    for (int i = 0; i <= kMaxInterimHeads; ++i) {
      head_.clear();
      base::Result<void> done = co_await stream.wait_head(deadline_);
      if (done) done = stream.take_head();
      if (!done) co_return failed(done.error(), "read", "the response head", target_.timeout);
      if (head_.status >= 200) co_return Probed();
    }
    co_return failed("bad response: too many interim responses");
  }

  net::Task<Probed> read_body(http2::Stream& stream) {
    BodySearch search(options_.expected_body);
    bool last = false;
    while (!last && !search.full()) {
      base::Result<void> waited = co_await stream.wait_input(deadline_);
      if (!waited) co_return failed(waited.error(), "read", "the response body", target_.timeout);
      base::Result<http::BodyPiece> piece = stream.take();
      if (!piece) co_return failed(piece.error(), "read", "the response body", target_.timeout);
      if (search.add(piece->data)) co_return Probed();
      last = piece->last;
    }
    co_return failed(search.full() ? "expected_body not found within the first 64 KB" : "expected_body not found");
  }

  const HttpCheckOptions& options_;
  const CheckTarget& target_;
  base::TimePoint deadline_;
  http::ResponseHead head_;
};

}  // namespace

net::Task<Probed> probe_by_h2(const HttpCheckOptions& options, const CheckTarget& target, net::TcpStream stream,
                              base::TimePoint deadline) {
  http2::Shared shared;
  NoRequests owner;
  http2::Connection connection(http2::Role::client, shared, {}, stream, owner);
  net::TaskGroup running;
  running.spawn(connection.run());
  Request request(options, target, deadline);
  std::optional<Probed> outcome;
  try {
    outcome = co_await request.run(connection);
  } catch (const std::bad_alloc&) {
    // The connection ends all the same.
  }
  running.cancel();
  co_await running.join();
  if (!outcome) throw std::bad_alloc();
  co_return *std::move(outcome);
}

}  // namespace weir::health
