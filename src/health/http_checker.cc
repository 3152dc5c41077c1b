// Sends one request and judges the response by its status and, if asked for, its body.
#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "base/try.h"
#include "health/body_search.h"
#include "health/checker.h"
#include "health/h2_probe.h"
#include "health/http_check_options.h"
#include "health/probe_connection.h"
#include "http/h1_codec.h"
#include "tls/handshake.h"

namespace weir::health {

std::span<const config::OptionSpec> http_checker_options();
std::vector<config::OptionFault> http_checker_faults(const config::Choice& choice);
std::unique_ptr<Checker> make_http_checker(const config::Choice& choice);

namespace {

// The connection of one probe and what was read from it: buffer_[begin_, end_) is not used up yet.
class HttpProbe {
 public:
  HttpProbe(const HttpCheckOptions& options, const CheckTarget& target)
      : options_(options), target_(target), deadline_(net::Reactor::current().now() + target.timeout) {}

  net::Task<Probed> run();

 private:
  net::Task<Probed> send_request();
  net::Task<Probed> read_head();
  net::Task<Probed> read_body();
  // Reads more; at_end_ is set at the end of the stream.
  net::Task<Probed> fill(std::string_view awaited);
  // Searches the part of the body that was read. True: that was the end of the body.
  std::expected<bool, Failure> take_body(BodySearch& search);
  std::expected<bool, Failure> take_chunks(BodySearch& search);
  std::string_view unread() const { return {buffer_.data() + begin_, end_ - begin_}; }

  const HttpCheckOptions& options_;
  const CheckTarget& target_;
  base::TimePoint deadline_;
  net::TcpStream stream_;
  base::Buffer buffer_ = base::Buffer::small();
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  bool at_end_ = false;
  http::ResponseHead head_;
  http::ChunkedDecoder chunks_;
  std::uint64_t body_left_ = 0;
};

net::Task<Probed> HttpProbe::run() {
  base::Result<net::TcpStream> stream = co_await connect_to(target_, deadline_);
  if (!stream) co_return failed(stream.error(), "connect", "the connection", target_.timeout);
  stream_ = *std::move(stream);
  HttpVersions versions = options_.versions(target_);
  if (target_.tls != nullptr) WEIR_CO_TRY(co_await make_secure(stream_, target_, versions.alpn, deadline_));
  bool agreed_on_h2 = target_.tls != nullptr && tls::protocol(stream_) == "h2";
  if (target_.tls != nullptr && versions.only_h2() && !agreed_on_h2) {
    co_return failed("TLS handshake: the backend does not offer h2 (ALPN)");
  }
  if (agreed_on_h2 || versions.only_h2()) {
    co_return co_await probe_by_h2(options_, target_, std::move(stream_), deadline_);
  }
  WEIR_CO_TRY(co_await send_request());
  WEIR_CO_TRY(co_await read_head());
  if (!options_.expected_status.contains(head_.status)) {
    co_return failed(fmt::format("status {}, expected {}", head_.status, options_.expected_status.text()));
  }
  if (options_.expected_body.empty()) co_return Probed();
  co_return co_await read_body();
}

net::Task<Probed> HttpProbe::send_request() {
  std::string_view path = options_.path_for(target_);
  if (!is_sendable_path(path)) co_return failed("the path of the check cannot be sent");
  std::string host = options_.host.empty() ? authority_of(target_) : options_.host;
  std::string headers;
  for (const auto& [name, value] : options_.headers) headers += fmt::format("{}: {}\r\n", name, value);
  std::string request =
      fmt::format("{} {} HTTP/{}\r\nHost: {}\r\nUser-Agent: weir-health-check\r\n{}{}Connection: close\r\n\r\n",
                  options_.method, path, options_.version == "1.0" ? "1.0" : "1.1", host, headers,
                  options_.method == "POST" ? "Content-Length: 0\r\n" : "");
  base::Nanoseconds left = deadline_ - net::Reactor::current().now();
  base::Result<void> written = co_await stream_.write(request, left);
  if (!written) co_return failed(written.error(), "write", "the request to be taken", target_.timeout);
  co_return Probed();
}

net::Task<Probed> HttpProbe::fill(std::string_view awaited) {
  if (begin_ == end_) begin_ = end_ = 0;
  if (end_ == buffer_.capacity() && begin_ > 0) {
    std::copy(buffer_.data() + begin_, buffer_.data() + end_, buffer_.data());
    end_ -= std::exchange(begin_, 0);
  }
  std::span<char> room(buffer_.data() + end_, buffer_.capacity() - end_);
  base::Result<std::size_t> got = co_await stream_.read(room, deadline_);
  if (!got) co_return failed(got.error(), "read", awaited, target_.timeout);
  end_ += *got;
  at_end_ = *got == 0;
  co_return Probed();
}

// Interim responses are skipped (RFC 9110 section 15.2), but for 101, which ends HTTP on this connection.
net::Task<Probed> HttpProbe::read_head() {
  static constexpr http::HeadLimits kLimits{};
  while (true) {
    head_.clear();
    http::Parsed parsed = http::parse_response_head(unread(), kLimits, options_.method, head_);
    if (parsed.state == http::Parsed::State::invalid) co_return failed(fmt::format("bad response: {}", parsed.what));
    if (parsed.state == http::Parsed::State::complete) {
      begin_ += parsed.consumed;
      if (head_.status >= 200 || head_.status == 101) co_return Probed();
      continue;
    }
    if (at_end_) co_return failed(begin_ == end_ ? "closed before the response" : "closed within the response header");
    if (end_ - begin_ == buffer_.capacity()) co_return failed("bad response: header larger than 16 KB");
    WEIR_CO_TRY(co_await fill("the response header"));
  }
}

net::Task<Probed> HttpProbe::read_body() {
  BodySearch search(options_.expected_body);
  body_left_ = head_.body.length;
  while (head_.body.kind != http::BodyFraming::Kind::none) {
    std::expected<bool, Failure> done = take_body(search);
    if (search.found()) co_return Probed();
    if (!done) co_return std::unexpected(std::move(done.error()));
    if (*done || search.full()) break;
    if (at_end_) {
      if (head_.body.kind == http::BodyFraming::Kind::until_close) break;
      co_return failed("closed within the response body");
    }
    WEIR_CO_TRY(co_await fill("the response body"));
  }
  co_return failed(search.full() ? "expected_body not found within the first 64 KB" : "expected_body not found");
}

std::expected<bool, Failure> HttpProbe::take_body(BodySearch& search) {
  if (head_.body.kind == http::BodyFraming::Kind::chunked) return take_chunks(search);
  std::string_view piece = unread();
  bool has_length = head_.body.kind == http::BodyFraming::Kind::length;
  if (has_length) {
    piece = piece.substr(0, std::min<std::uint64_t>(piece.size(), body_left_));
    body_left_ -= piece.size();
  }
  begin_ += piece.size();
  search.add(piece);
  return has_length && body_left_ == 0;
}

std::expected<bool, Failure> HttpProbe::take_chunks(BodySearch& search) {
  while (!search.found() && !search.full()) {
    http::ChunkedDecoder::Step step = chunks_.next(unread());
    if (step.error != nullptr) return failed(fmt::format("bad response: {}", step.error));
    begin_ += step.consumed;
    search.add(step.data);
    if (step.done) return true;
    if (step.consumed == 0) break;
  }
  return false;
}

class HttpChecker final : public Checker {
 public:
  explicit HttpChecker(HttpCheckOptions options) : options_(std::move(options)) {}

  std::string question(std::string_view path) const override {
    return fmt::format("{} {}", options_.method, path.empty() ? std::string_view(options_.path) : path);
  }

  std::string_view ready() const override { return options_.ready; }

  net::Task<CheckResult> check(CheckTarget target) override {
    base::TimePoint began = base::now();
    HttpProbe probe(options_, target);
    Probed outcome = co_await probe.run();
    co_return CheckResult::of(std::move(outcome), base::now() - began);
  }

 private:
  HttpCheckOptions options_;
};

}  // namespace

std::span<const config::OptionSpec> http_checker_options() { return HttpCheckOptions::specs(); }

std::vector<config::OptionFault> http_checker_faults(const config::Choice& choice) {
  auto read = HttpCheckOptions::read(choice);
  return read ? config::OptionFaults() : std::move(read.error());
}

std::unique_ptr<Checker> make_http_checker(const config::Choice& choice) {
  return std::make_unique<HttpChecker>(HttpCheckOptions::read(choice).value());
}

}  // namespace weir::health
