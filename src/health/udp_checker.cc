// Sends a datagram and judges by what comes back.
#include <array>
#include <cerrno>
#include <fmt/format.h>
#include <optional>
#include <string>
#include <sys/socket.h>
#include <utility>

#include "base/free_list.h"
#include "config/byte_text.h"
#include "health/checker.h"
#include "health/probe_connection.h"
#include "net/udp_socket.h"

namespace weir::health {

std::span<const config::OptionSpec> udp_checker_options();
std::vector<config::OptionFault> udp_checker_faults(const config::Choice& choice);
std::unique_ptr<Checker> make_udp_checker(const config::Choice& choice);

namespace {

// The longest payload that every path takes whole, and plenty for a question.
constexpr std::size_t kMaxSendBytes = 1400;
// So many are looked at.
constexpr int kMaxReplies = 64;

struct UdpCheckOptions {
  std::string send;
  std::string expected;  // empty: any reply

  static std::expected<UdpCheckOptions, config::OptionFaults> read(const config::Choice& choice) {
    config::OptionFaults faults;
    auto bytes = [&](std::string_view key, std::string_view hex_key) {
      const auto& text = option_or_default<std::string>(choice, udp_checker_options(), key);
      const auto& hex = option_or_default<std::string>(choice, udp_checker_options(), hex_key);
      if (hex.empty()) return text;
      if (!text.empty()) faults.push_back({hex_key, fmt::format("and {} are both given; give one of them", key)});
      std::optional<std::string> read = config::bytes_of_hex(hex);
      if (!read) faults.push_back({hex_key, fmt::format("'{}' is not pairs of hexadecimal digits", hex)});
      return read.value_or(std::string());
    };
    UdpCheckOptions options{.send = bytes("send", "send_hex"), .expected = bytes("expected", "expected_hex")};
    if (options.send.size() > kMaxSendBytes) {
      faults.push_back({"send", fmt::format("is longer than the {} bytes that fit in one packet", kMaxSendBytes)});
    }
    if (!faults.empty()) return std::unexpected(std::move(faults));
    return options;
  }
};

class UdpChecker final : public Checker {
 public:
  explicit UdpChecker(UdpCheckOptions options) : options_(std::move(options)) {}

  net::Task<CheckResult> check(CheckTarget target) override {
    base::TimePoint began = base::now();
    base::TimePoint deadline = net::Reactor::current().now() + target.timeout;
    Probed outcome = co_await ask(target.address, deadline, target.timeout);
    co_return CheckResult::of(std::move(outcome), base::now() - began);
  }

 private:
  // Waits for a good reply from `address`.
  net::Task<Probed> ask(base::SocketAddress address, base::TimePoint deadline, base::Nanoseconds timeout) {
    base::Result<int> fd = net::connect_udp(address);
    if (!fd) co_return failed(fd.error(), "connect", "the socket", timeout);
    net::TcpStream socket = net::TcpStream::adopt(*fd);
    if (::send(*fd, options_.send.data(), options_.send.size(), MSG_NOSIGNAL) < 0) {
      base::Error error{.code = base::code_of_errno(errno), .side = base::Side::backend, .os_error = errno};
      co_return failed(error, "send", "the datagram to be taken", timeout);
    }
    base::Buffer buffer = base::Buffer::large();
    int replies = 0;
    while (replies < kMaxReplies) {
      // Several may be queued, and only the want of one says that the next is to be waited for.
      ssize_t got = ::recv(*fd, buffer.data(), buffer.capacity(), MSG_DONTWAIT);
      if (got >= 0) {
        ++replies;
        std::string_view reply(buffer.data(), static_cast<std::size_t>(got));
        if (reply.find(options_.expected) != std::string_view::npos) co_return Probed();
        continue;
      }
      if (errno == EINTR) continue;
      if (errno != EAGAIN && errno != EWOULDBLOCK) {
        base::Error error{.code = base::code_of_errno(errno), .side = base::Side::backend, .os_error = errno};
        co_return failed(error, "receive", "the reply", timeout);
      }
      socket.descriptor().readable = false;
      base::Result<void> ready = co_await socket.wait_readable(deadline);
      if (!ready && ready.error().code == base::ErrorCode::timeout && replies > 0) break;
      if (!ready) co_return failed(ready.error(), "receive", "the reply", timeout);
    }
    co_return failed("the expected bytes are in no reply");
  }

  UdpCheckOptions options_;
};

}  // namespace

std::span<const config::OptionSpec> udp_checker_options() {
  using config::OptionType;
  static const std::array<config::OptionSpec, 4> kSpecs = {{
      {.key = "send",
       .type = OptionType::text,
       .default_value = std::string(),
       .summary = "the datagram, as text; neither this nor send_hex: an empty one"},
      {.key = "send_hex",
       .type = OptionType::text,
       .default_value = std::string(),
       .summary = "the datagram, as hexadecimal digits"},
      {.key = "expected",
       .type = OptionType::text,
       .default_value = std::string(),
       .summary = "text that must appear in a reply; neither this nor expected_hex: any reply will do"},
      {.key = "expected_hex",
       .type = OptionType::text,
       .default_value = std::string(),
       .summary = "the same, as hexadecimal digits"},
  }};
  return kSpecs;
}

std::vector<config::OptionFault> udp_checker_faults(const config::Choice& choice) {
  auto read = UdpCheckOptions::read(choice);
  return read ? config::OptionFaults() : std::move(read.error());
}

std::unique_ptr<Checker> make_udp_checker(const config::Choice& choice) {
  return std::make_unique<UdpChecker>(UdpCheckOptions::read(choice).value());
}

}  // namespace weir::health
