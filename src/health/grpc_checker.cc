// Asks a gRPC backend for its health by grpc.health.v1.Health/Check, over HTTP/2: by prior
// knowledge, or over TLS.
#include <array>
#include <fmt/format.h>
#include <new>
#include <optional>

#include "base/text.h"
#include "base/try.h"
#include "health/checker.h"
#include "health/h2_probe.h"
#include "health/probe_connection.h"
#include "tls/handshake.h"

namespace weir::health {

std::span<const config::OptionSpec> grpc_checker_options();
std::vector<config::OptionFault> grpc_checker_faults(const config::Choice& choice);
std::unique_ptr<Checker> make_grpc_checker(const config::Choice& choice);

namespace {

// In a field of a length of one byte, behind its tag.
constexpr std::size_t kMaxServiceBytes = 120;
constexpr std::size_t kMaxAnswerBytes = 1024;
constexpr std::string_view kServing = "SERVING";

// HealthCheckRequest{service} behind the prefix of a gRPC message: not compressed, and its length.
std::string request_message(std::string_view service) {
  std::string message;
  if (!service.empty()) message = {'\x0a', static_cast<char>(service.size())};
  message += service;
  return std::string{'\0', '\0', '\0', '\0', static_cast<char>(message.size())} + message;
}

// The status of a HealthCheckResponse in words: its first field, a varint (health.proto). An empty message is UNKNOWN.
std::string status_in(std::string_view body) {
  constexpr std::array<std::string_view, 4> kNames{"UNKNOWN", kServing, "NOT_SERVING", "SERVICE_UNKNOWN"};
  if (body.size() < 5 || body[0] != 0) return "an answer that is no message";
  auto length = static_cast<unsigned char>(body[4]);
  if (body.substr(1, 3) != std::string_view("\0\0\0", 3) || body.size() < 5u + length) return "an answer cut short";
  if (length == 0) return std::string(kNames[0]);
  if (length < 2 || body[5] != '\x08') return "an answer that is no HealthCheckResponse";
  auto status = static_cast<unsigned char>(body[6]);
  return status < kNames.size() ? std::string(kNames[status]) : fmt::format("status {}", status);
}

class GrpcProbe {
 public:
  GrpcProbe(std::string_view service, const std::string& authority, const CheckTarget& target)
      : service_(service),
        authority_(authority),
        target_(target),
        deadline_(net::Reactor::current().now() + target.timeout) {}

  net::Task<Probed> run() {
    base::Result<net::TcpStream> stream = co_await connect_to(target_, deadline_);
    if (!stream) co_return failed(stream.error(), "connect", "the connection", target_.timeout);
    net::TcpStream connected = *std::move(stream);
    if (target_.tls != nullptr) {
      WEIR_CO_TRY(co_await make_secure(connected, target_, {"h2"}, deadline_));
      // gRPC is HTTP/2, which over TLS is agreed on (RFC 9113 3.2).
      if (tls::protocol(connected) != "h2") co_return failed("TLS handshake: the backend does not offer h2 (ALPN)");
    }
    http2::Shared shared;
    NoRequests owner;
    http2::Connection connection(http2::Role::client, shared, {}, connected, owner);
    net::TaskGroup running;
    running.spawn(connection.run());
    std::optional<Probed> outcome;
    try {
      outcome = co_await ask(connection);
    } catch (const std::bad_alloc&) {
      // The connection ends all the same.
    }
    running.cancel();
    co_await running.join();
    if (!outcome) throw std::bad_alloc();
    co_return *std::move(outcome);
  }

 private:
  net::Task<Probed> ask(http2::Connection& connection) {
    http::RequestHead request;
    request.method = "POST";
    http::ResponseHead head;
    base::Arena arena;
    http2::Stream stream(request, head, arena);
    http2::FieldList fields;
    std::string authority = authority_;
    if (authority.empty()) authority = authority_of(target_);
    fields.add(":method", "POST");
    fields.add(":scheme", target_.tls != nullptr ? "https" : "http");
    fields.add(":authority", authority);
    fields.add(":path", "/grpc.health.v1.Health/Check");
    fields.add("content-type", "application/grpc");
    fields.add("te", "trailers");
    fields.add("user-agent", "weir-health-check");
    std::string message = request_message(service_);
    base::Result<void> done = connection.open(stream, fields, false);
    if (!done) co_return failed(done.error(), "request", "the connection", target_.timeout);
    stream.send(message, true);
    done = co_await stream.wait_head(deadline_);
    if (done) done = stream.take_head();
    if (!done) co_return failed(done.error(), "read", "the response header", target_.timeout);
    if (head.status != 200) co_return failed(fmt::format("status {}, expected 200", head.status));
    std::string body;
    bool last = false;
    while (!last) {
      done = co_await stream.wait_input(deadline_);
      if (!done) co_return failed(done.error(), "read", "the response body", target_.timeout);
      base::Result<http::BodyPiece> piece = stream.take();
      if (!piece) co_return failed(piece.error(), "read", "the response body", target_.timeout);
      body += piece->data;
      last = piece->last;
      if (body.size() > kMaxAnswerBytes) co_return failed("an answer that is no HealthCheckResponse");
    }
    const http::HeaderField* status = stream.trailers().find(http::HeaderId::grpc_status);
    if (status == nullptr) status = head.headers.find(http::HeaderId::grpc_status);
    if (status == nullptr) co_return failed("no grpc-status in the answer");
    if (status->value != "0") co_return failed(fmt::format("grpc-status {}, expected 0", status->value));
    std::string found = status_in(body);
    if (found == kServing) co_return Probed();
    co_return failed(fmt::format("{}, expected {}", found, kServing));
  }

  std::string_view service_;
  const std::string& authority_;
  const CheckTarget& target_;
  base::TimePoint deadline_;
};

class GrpcChecker final : public Checker {
 public:
  GrpcChecker(std::string service, std::string ready, std::string authority)
      : service_(std::move(service)), ready_(std::move(ready)), authority_(std::move(authority)) {}

  // A path of the backend's own is no service.
  std::string question(std::string_view asked) const override { return asked == ready_ ? ready_ : service_; }
  std::string_view ready() const override { return ready_; }

  net::Task<CheckResult> check(CheckTarget target) override {
    base::TimePoint began = base::now();
    GrpcProbe probe(target.ready.empty() ? std::string_view(service_) : target.ready, authority_, target);
    Probed outcome = co_await probe.run();
    co_return CheckResult::of(std::move(outcome), base::now() - began);
  }

 private:
  std::string service_;
  std::string ready_;
  std::string authority_;
};

const std::array<config::OptionSpec, 3>& specs() {
  static const std::array<config::OptionSpec, 3> kSpecs{
      config::OptionSpec{.key = "service",
                         .type = config::OptionType::text,
                         .default_value = std::string(),
                         .summary = "the service to ask for; empty: the server as a whole"},
      config::OptionSpec{.key = "ready",
                         .type = config::OptionType::text,
                         .default_value = std::string(),
                         .summary = "the service that says whether the backend wants new work; empty: it does when it "
                                    "is healthy"},
      config::OptionSpec{.key = "host",
                         .type = config::OptionType::text,
                         .default_value = std::string(),
                         .summary = "the :authority to send; empty: the backend's host and port"}};
  return kSpecs;
}

bool is_sendable(std::string_view text) {
  for (char c : text) {
    if (static_cast<unsigned char>(c) <= ' ' || static_cast<unsigned char>(c) >= 0x7f) return false;
  }
  return text.size() <= kMaxServiceBytes;
}

}  // namespace

std::span<const config::OptionSpec> grpc_checker_options() { return specs(); }

std::vector<config::OptionFault> grpc_checker_faults(const config::Choice& choice) {
  std::vector<config::OptionFault> faults;
  for (std::string_view key : {"service", "ready", "host"}) {
    if (!is_sendable(option_or_default<std::string>(choice, specs(), key))) {
      faults.push_back({key, fmt::format("must be visible ASCII, at most {} bytes", kMaxServiceBytes)});
    }
  }
  return faults;
}

std::unique_ptr<Checker> make_grpc_checker(const config::Choice& choice) {
  return std::make_unique<GrpcChecker>(option_or_default<std::string>(choice, specs(), "service"),
                                       option_or_default<std::string>(choice, specs(), "ready"),
                                       option_or_default<std::string>(choice, specs(), "host"));
}

}  // namespace weir::health
