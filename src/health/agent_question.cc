#include "health/agent_question.h"

#include <algorithm>
#include <fmt/format.h>
#include <string_view>
#include <utility>

#include "base/try.h"
#include "config/byte_text.h"
#include "health/checker.h"
#include "health/probe_connection.h"
#include "health/probe_stream.h"
#include "http/h1_codec.h"

namespace weir::health {
namespace {

using Line = std::expected<std::string, Failure>;

constexpr std::size_t kMaxLineBytes = 4096;
constexpr std::string_view kLineEnds = "\r\n";

// A line that has its end, or nothing.
std::optional<std::string> whole_line(std::string_view text) {
  std::size_t end = text.find_first_of(kLineEnds);
  if (end == std::string_view::npos) return std::nullopt;
  return std::string(text.substr(0, end));
}

net::Task<Line> read_line(ProbeStream& stream) {
  while (true) {
    if (auto line = whole_line(stream.received())) co_return *std::move(line);
    if (stream.at_end()) {
      co_return failed(stream.received().empty() ? "closed without a word" : "closed within the line");
    }
    if (stream.received().size() > kMaxLineBytes) co_return failed("the line is longer than 4 KB");
    WEIR_CO_TRY(co_await stream.receive("the agent's line"));
  }
}

// The request is one of HTTP/1.0, so that the body ends with the connection or has a length.
net::Task<Line> read_response(ProbeStream& stream) {
  static constexpr http::HeadLimits kLimits{};
  http::ResponseHead head;
  http::Parsed parsed;
  while (true) {
    head.clear();
    parsed = http::parse_response_head(stream.received(), kLimits, "GET", head);
    if (parsed.state == http::Parsed::State::invalid) co_return failed(fmt::format("bad response: {}", parsed.what));
    if (parsed.state == http::Parsed::State::complete) break;
    if (stream.at_end()) co_return failed("closed before the response");
    WEIR_CO_TRY(co_await stream.receive("the response header"));
  }
  if (head.status != 200) co_return failed(fmt::format("status {}, expected 200", head.status));
  if (head.body.kind == http::BodyFraming::Kind::chunked) {
    co_return failed("bad response: a chunked body in answer to HTTP/1.0");
  }
  bool has_length = head.body.kind == http::BodyFraming::Kind::length;
  std::uint64_t length = has_length                                        ? head.body.length
                         : head.body.kind == http::BodyFraming::Kind::none ? 0
                                                                           : UINT64_MAX;
  stream.drop(parsed.consumed);
  while (true) {
    std::string_view body = std::string_view(stream.received()).substr(0, std::min<std::uint64_t>(length, SIZE_MAX));
    if (auto line = whole_line(body)) co_return *std::move(line);
    // The end of the body is that of the line.
    bool is_whole =
        has_length || head.body.kind == http::BodyFraming::Kind::none ? body.size() == length : stream.at_end();
    if (is_whole && body.empty()) co_return failed("the body is empty");
    if (is_whole) co_return std::string(body);
    if (stream.at_end()) co_return failed("closed within the response body");
    if (body.size() > kMaxLineBytes) co_return failed("the line is longer than 4 KB");
    WEIR_CO_TRY(co_await stream.receive("the response body"));
  }
}

net::Task<Line> ask(const config::Agent& agent, ProbeStream& stream, base::SocketAddress address) {
  WEIR_CO_TRY(co_await stream.open());
  if (agent.transport == config::AgentTransport::http) {
    std::string request = fmt::format("GET {} HTTP/1.0\r\nHost: {}\r\nUser-Agent: weir-agent-check\r\n\r\n", agent.path,
                                      address.to_string());
    WEIR_CO_TRY(co_await stream.send(request, "the request to be taken"));
    co_return co_await read_response(stream);
  }
  std::string bytes = config::bytes_of_text(agent.send).value_or(std::string());
  if (!bytes.empty()) WEIR_CO_TRY(co_await stream.send(bytes, "the bytes to be taken"));
  co_return co_await read_line(stream);
}

}  // namespace

net::Task<Line> ask_agent(const config::Agent& agent, base::SocketAddress address, base::Nanoseconds timeout) {
  CheckTarget target{.address = address, .host = {}, .path = {}, .timeout = timeout};
  ProbeStream stream(target);
  Line line = co_await ask(agent, stream, address);
  co_await stream.close();
  co_return line;
}

}  // namespace weir::health
