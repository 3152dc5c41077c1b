// Sends one request and judges the response by its status and, if asked for, its body.
#include <algorithm>
#include <fmt/format.h>
#include <utility>

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

  net::Task<Failure> run();

 private:
  net::Task<Failure> send_request();
  net::Task<Failure> read_head();
  net::Task<Failure> read_body();
  // Reads more. A failure, or nothing; at_end_ is set at the end of the stream.
  net::Task<Failure> fill(std::string_view awaited);
  Failure take_body(BodySearch& search, bool& done);
  Failure take_chunks(BodySearch& search, bool& done);
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

net::Task<Failure> HttpProbe::run() {
  base::Result<net::TcpStream> stream = co_await connect_to(target_, deadline_);
  if (!stream) co_return describe_failure(stream.error(), "connect", "the connection", target_.timeout);
  stream_ = *std::move(stream);
  Failure failure;
  HttpVersions versions = options_.versions(target_);
  if (target_.tls != nullptr) failure = co_await make_secure(stream_, target_, versions.alpn, deadline_);
  if (!failure.empty()) co_return failure;
  bool agreed_on_h2 = target_.tls != nullptr && tls::protocol(stream_) == "h2";
  if (target_.tls != nullptr && versions.only_h2() && !agreed_on_h2) {
    co_return "TLS handshake: the backend does not offer h2 (ALPN)";
  }
  if (agreed_on_h2 || versions.only_h2()) {
    co_return co_await probe_by_h2(options_, target_, std::move(stream_), deadline_);
  }
  failure = co_await send_request();
  if (failure.empty()) failure = co_await read_head();
  if (!failure.empty()) co_return failure;
  if (!options_.expected_status.contains(head_.status)) {
    co_return fmt::format("status {}, expected {}", head_.status, options_.expected_status.text());
  }
  if (!options_.expected_body.empty()) failure = co_await read_body();
  co_return failure;
}

net::Task<Failure> HttpProbe::send_request() {
  std::string_view path = target_.path.empty() ? std::string_view(options_.path) : target_.path;
  if (!is_sendable_path(path)) co_return "the path of the check cannot be sent";
  std::string host = options_.host.empty() ? authority_of(target_) : options_.host;
  std::string headers;
  for (const auto& [name, value] : options_.headers) headers += fmt::format("{}: {}\r\n", name, value);
  std::string request =
      fmt::format("{} {} HTTP/{}\r\nHost: {}\r\nUser-Agent: weir-health-check\r\n{}{}Connection: close\r\n\r\n",
                  options_.method, path, options_.version == "1.0" ? "1.0" : "1.1", host, headers,
                  options_.method == "POST" ? "Content-Length: 0\r\n" : "");
  base::Nanoseconds left = deadline_ - net::Reactor::current().now();
  base::Result<void> written = co_await stream_.write(request, left);
  if (!written) co_return describe_failure(written.error(), "write", "the request to be taken", target_.timeout);
  co_return Failure();
}

net::Task<Failure> HttpProbe::fill(std::string_view awaited) {
  if (begin_ == end_) begin_ = end_ = 0;
  if (end_ == buffer_.capacity() && begin_ > 0) {
    std::copy(buffer_.data() + begin_, buffer_.data() + end_, buffer_.data());
    end_ -= std::exchange(begin_, 0);
  }
  std::span<char> room(buffer_.data() + end_, buffer_.capacity() - end_);
  base::Result<std::size_t> got = co_await stream_.read(room, deadline_);
  if (!got) co_return describe_failure(got.error(), "read", awaited, target_.timeout);
  end_ += *got;
  at_end_ = *got == 0;
  co_return Failure();
}

// Interim responses are skipped (RFC 9110 section 15.2), but for 101, which ends HTTP on this connection.
net::Task<Failure> HttpProbe::read_head() {
  static constexpr http::HeadLimits kLimits{};
  while (true) {
    head_.clear();
    http::Parsed parsed = http::parse_response_head(unread(), kLimits, options_.method, head_);
    if (parsed.state == http::Parsed::State::invalid) co_return fmt::format("bad response: {}", parsed.what);
    if (parsed.state == http::Parsed::State::complete) {
      begin_ += parsed.consumed;
      if (head_.status >= 200 || head_.status == 101) co_return Failure();
      continue;
    }
    if (at_end_) co_return begin_ == end_ ? "closed before the response" : "closed within the response header";
    if (end_ - begin_ == buffer_.capacity()) co_return "bad response: header larger than 16 KB";
    Failure failure = co_await fill("the response header");
    if (!failure.empty()) co_return failure;
  }
}

net::Task<Failure> HttpProbe::read_body() {
  BodySearch search(options_.expected_body);
  body_left_ = head_.body.length;
  bool done = head_.body.kind == http::BodyFraming::Kind::none;
  while (!done) {
    Failure failure = take_body(search, done);
    if (search.found()) co_return Failure();
    if (!failure.empty()) co_return failure;
    if (done || search.full()) break;
    if (at_end_) {
      if (head_.body.kind == http::BodyFraming::Kind::until_close) break;
      co_return "closed within the response body";
    }
    failure = co_await fill("the response body");
    if (!failure.empty()) co_return failure;
  }
  co_return search.full() ? "expected_body not found within the first 64 KB" : "expected_body not found";
}

Failure HttpProbe::take_body(BodySearch& search, bool& done) {
  if (head_.body.kind == http::BodyFraming::Kind::chunked) return take_chunks(search, done);
  std::string_view piece = unread();
  if (head_.body.kind == http::BodyFraming::Kind::length) {
    piece = piece.substr(0, std::min<std::uint64_t>(piece.size(), body_left_));
    body_left_ -= piece.size();
    done = body_left_ == 0;
  }
  begin_ += piece.size();
  search.add(piece);
  return {};
}

Failure HttpProbe::take_chunks(BodySearch& search, bool& done) {
  while (!done && !search.found() && !search.full()) {
    http::ChunkedDecoder::Step step = chunks_.next(unread());
    if (step.error != nullptr) return fmt::format("bad response: {}", step.error);
    begin_ += step.consumed;
    search.add(step.data);
    done = step.done;
    if (step.consumed == 0) break;
  }
  return {};
}

class HttpChecker final : public Checker {
 public:
  explicit HttpChecker(HttpCheckOptions options) : options_(std::move(options)) {}

  std::string question(std::string_view path) const override {
    return fmt::format("{} {}", options_.method, path.empty() ? std::string_view(options_.path) : path);
  }

  net::Task<CheckResult> check(CheckTarget target) override {
    base::TimePoint began = base::now();
    HttpProbe probe(options_, target);
    Failure failure = co_await probe.run();
    co_return CheckResult::of(std::move(failure), base::now() - began);
  }

 private:
  HttpCheckOptions options_;
};

}  // namespace

std::span<const config::OptionSpec> http_checker_options() { return HttpCheckOptions::specs(); }

std::vector<config::OptionFault> http_checker_faults(const config::Choice& choice) {
  std::vector<config::OptionFault> faults;
  HttpCheckOptions::read(choice, faults);
  return faults;
}

std::unique_ptr<Checker> make_http_checker(const config::Choice& choice) {
  std::vector<config::OptionFault> faults;
  return std::make_unique<HttpChecker>(HttpCheckOptions::read(choice, faults));
}

}  // namespace weir::health
