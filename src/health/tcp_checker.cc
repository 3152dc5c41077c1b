// Opens a connection, makes TLS of it where the pool has TLS, sends and expects bytes if asked to, and closes it again
// in an orderly way.
#include <array>
#include <fmt/format.h>
#include <utility>

#include "base/try.h"
#include "config/byte_text.h"
#include "config/text_rules.h"
#include "health/checker.h"
#include "health/probe_connection.h"
#include "health/probe_stream.h"

namespace weir::health {

std::span<const config::OptionSpec> tcp_checker_options();
std::vector<config::OptionFault> tcp_checker_faults(const config::Choice& choice);
std::unique_ptr<Checker> make_tcp_checker(const config::Choice& choice);

namespace {

// The most that a probe may send.
constexpr std::size_t kMaxSendBytes = 16 * 1024;

struct TcpCheckOptions {
  std::string send;    // empty: nothing is sent
  std::string expect;  // empty: nothing is waited for

  static std::expected<TcpCheckOptions, config::OptionFaults> read(const config::Choice& choice) {
    config::OptionFaults faults;
    auto bytes = [&](std::string_view key, std::size_t limit) {
      base::Checked<std::string> read =
          config::bytes_of_text(option_or_default<std::string>(choice, tcp_checker_options(), key));
      if (!read) faults.push_back({key, read.error()});
      if (read && read->size() > limit) faults.push_back({key, fmt::format("is longer than {} bytes", limit)});
      return std::move(read).value_or(std::string());
    };
    TcpCheckOptions options{.send = bytes("send", kMaxSendBytes), .expect = bytes("expect", ProbeStream::kLimitBytes)};
    if (!faults.empty()) return std::unexpected(std::move(faults));
    return options;
  }
};

class TcpChecker final : public Checker {
 public:
  explicit TcpChecker(TcpCheckOptions options) : options_(std::move(options)) {}

  net::Task<CheckResult> check(CheckTarget target) override {
    ProbeStream stream(target);
    Probed outcome = co_await ask(stream);
    base::Nanoseconds latency = stream.elapsed();
    co_await stream.close();
    co_return CheckResult::of(std::move(outcome), latency);
  }

 private:
  net::Task<Probed> ask(ProbeStream& stream) {
    WEIR_CO_TRY(co_await stream.open());
    WEIR_CO_TRY(co_await stream.secure());
    if (!options_.send.empty()) WEIR_CO_TRY(co_await stream.send(options_.send, "the bytes to be taken"));
    if (!options_.expect.empty()) WEIR_CO_TRY(co_await expect(stream));
    co_return Probed();
  }

  net::Task<Probed> expect(ProbeStream& stream) {
    while (true) {
      std::size_t seen = stream.received().size();
      Probed got = co_await stream.receive("the expected bytes");
      std::size_t overlap = std::min(seen, options_.expect.size() - 1);
      if (stream.received().find(options_.expect, seen - overlap) != std::string::npos) co_return Probed();
      if (!got) co_return failed(got.error(), stream.received());
      if (stream.at_end()) {
        co_return failed({.text = "closed before the expected bytes"}, stream.received());
      }
    }
  }

  // With the beginning of what came instead.
  static std::unexpected<Failure> failed(Failure failure, const std::string& received) {
    failure.text += received.empty() ? "; nothing came" : fmt::format("; {} came", config::quoted(received));
    return std::unexpected(std::move(failure));
  }

  TcpCheckOptions options_;
};

}  // namespace

std::span<const config::OptionSpec> tcp_checker_options() {
  using config::OptionType;
  static const std::array<config::OptionSpec, 2> kSpecs = {{
      {.key = "send",
       .type = OptionType::text,
       .default_value = std::string(),
       .summary = "bytes to send: text with the escapes \\r \\n \\t \\0 \\\\ "
                  "and \\xHH, or `hex:` and hexadecimal digits"},
      {.key = "expect",
       .type = OptionType::text,
       .default_value = std::string(),
       .summary = "bytes, written likewise, that must come within the first 64 "
                  "KB; empty: the connection is enough"},
  }};
  return kSpecs;
}

std::vector<config::OptionFault> tcp_checker_faults(const config::Choice& choice) {
  auto read = TcpCheckOptions::read(choice);
  return read ? config::OptionFaults() : std::move(read.error());
}

std::unique_ptr<Checker> make_tcp_checker(const config::Choice& choice) {
  return std::make_unique<TcpChecker>(TcpCheckOptions::read(choice).value());
}

}  // namespace weir::health
