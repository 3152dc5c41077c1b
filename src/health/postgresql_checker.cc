// Begins a session with a PostgreSQL server and ends it as soon as the server has shown that it takes sessions
// (postgresql.org/docs/current/protocol-message-formats.html).
#include <array>
#include <cstdint>
#include <fmt/format.h>
#include <utility>

#include "base/try.h"
#include "config/text_rules.h"
#include "health/checker.h"
#include "health/printable.h"
#include "health/probe_connection.h"
#include "health/probe_stream.h"

namespace weir::health {

std::span<const config::OptionSpec> postgresql_checker_options();
std::vector<config::OptionFault> postgresql_checker_faults(const config::Choice& choice);
std::unique_ptr<Checker> make_postgresql_checker(const config::Choice& choice);

namespace {

constexpr std::uint32_t kVersion3 = 3 << 16;
constexpr std::uint32_t kSslRequest = 80'877'103;
// A message in which a server says more than this is none.
constexpr std::uint32_t kMaxMessageBytes = 30'000;
constexpr std::size_t kMaxNameBytes = 63;  // NAMEDATALEN

std::string number(std::uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16), static_cast<char>(value >> 8),
          static_cast<char>(value)};
}

std::uint32_t number_at(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = at; i < at + 4; ++i) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

// Behind its length, which counts itself.
std::string packet(const std::string& body) { return number(static_cast<std::uint32_t>(body.size() + 4)) + body; }

std::string startup(const std::string& user, const std::string& database) {
  std::string body = number(kVersion3);
  auto add = [&](std::string_view key, std::string_view value) {
    body.append(key).push_back('\0');
    body.append(value).push_back('\0');
  };
  add("user", user);
  if (!database.empty()) add("database", database);
  add("application_name", "weir-health-check");
  return packet(body + '\0');
}

// The fields of an ErrorResponse, each a letter and a text up to a zero byte, as a person reads them: "FATAL 57P03: the
// database system is starting up".
std::string words_of_error(std::string_view fields) {
  std::string severity = "ERROR", code, message;
  while (fields.size() > 1 && fields.front() != '\0') {
    char kind = fields.front();
    std::size_t end = std::min(fields.find('\0', 1), fields.size());
    std::string_view text = fields.substr(1, end - 1);
    // V is the severity that no locale has translated; it comes behind S.
    if (kind == 'S' || kind == 'V') severity = text;
    if (kind == 'C') code = text;
    if (kind == 'M') message = text;
    fields.remove_prefix(std::min(end + 1, fields.size()));
  }
  return printable(fmt::format("{}{}{}: {}", severity, code.empty() ? "" : " ", code, message));
}

class PostgresqlProbe {
 public:
  explicit PostgresqlProbe(ProbeStream& stream) : stream_(stream) {}

  net::Task<Probed> run(bool has_tls, std::string greeting) {
    WEIR_CO_TRY(co_await stream_.open());
    if (has_tls) WEIR_CO_TRY(co_await ask_for_tls());
    WEIR_CO_TRY(co_await stream_.send(greeting, "the startup message to be taken"));
    while (true) {
      WEIR_CO_TRY(co_await read_message());
      if (kind_ == 'E') co_return failed(words_of_error(body_));
      // A server that waits for a password takes a Terminate for a wrong one and logs it; one that hears the end of the
      // connection does not.
      constexpr std::uint32_t kAuthenticationOk = 0;
      if (kind_ == 'R' && number_at(body_, 0) != kAuthenticationOk) co_return Probed();
      // Whether the database and the role are there and a connection is left it says behind that it needs no password.
      if (kind_ != 'Z') continue;
      static_cast<void>(co_await stream_.send("X" + number(4), "the farewell to be taken"));
      co_return Probed();
    }
  }

 private:
  net::Task<Probed> ask_for_tls() {
    WEIR_CO_TRY(co_await stream_.send(packet(number(kSslRequest)), "the request for TLS to be taken"));
    // Not a byte more: whatever came in clear behind the answer would count as said within TLS.
    WEIR_CO_TRY(co_await stream_.receive("the answer to the request for TLS", 1));
    if (stream_.at_end()) co_return failed("closed before the answer to the request for TLS");
    char answer = stream_.received()[0];
    stream_.drop(1);
    if (answer == 'N') co_return failed("the server offers no TLS");
    if (answer != 'S') co_return failed("no answer of PostgreSQL to the request for TLS");
    co_return co_await stream_.secure({"postgresql"});
  }

  // The next message into kind_ and body_. The first must be one that answers a startup message.
  net::Task<Probed> read_message() {
    constexpr std::size_t kHeadBytes = 5;
    constexpr std::string_view kFirst = "RE", kLater = "REZSKNv";
    WEIR_CO_TRY(co_await receive(kHeadBytes));
    bool is_first = std::exchange(is_first_, false);
    kind_ = stream_.received()[0];
    std::uint32_t length = number_at(stream_.received(), 1);
    if ((is_first ? kFirst : kLater).find(kind_) == std::string_view::npos) {
      co_return failed(fmt::format("no answer of PostgreSQL: it begins with {}",
                                   config::quoted(std::string_view(stream_.received()).substr(0, 20))));
    }
    std::uint32_t least = kind_ == 'R' || kind_ == 'E' ? 8 : 4;
    if (length < least || length > kMaxMessageBytes) {
      co_return failed(fmt::format("a message of {} bytes, which is none of PostgreSQL", length));
    }
    WEIR_CO_TRY(co_await receive(length + 1));
    body_ = stream_.received().substr(kHeadBytes, length - 4);
    stream_.drop(length + 1);
    co_return Probed();
  }

  net::Task<Probed> receive(std::size_t count) {
    while (stream_.received().size() < count) {
      WEIR_CO_TRY(co_await stream_.receive("the answer"));
      if (stream_.at_end()) co_return failed("closed before the answer");
    }
    co_return Probed();
  }

  ProbeStream& stream_;
  bool is_first_ = true;
  char kind_ = 0;
  std::string body_;
};

class PostgresqlChecker final : public Checker {
 public:
  PostgresqlChecker(std::string user, std::string database) : user_(std::move(user)), database_(std::move(database)) {}

  std::string question(std::string_view) const override {
    return fmt::format("user {}{}{}", user_, database_.empty() ? "" : ", database ", database_);
  }

  net::Task<CheckResult> check(CheckTarget target) override {
    ProbeStream stream(target);
    PostgresqlProbe probe(stream);
    std::string greeting = startup(user_, database_);
    Probed outcome = co_await probe.run(target.tls != nullptr, std::move(greeting));
    base::Nanoseconds latency = stream.elapsed();
    co_await stream.close();
    co_return CheckResult::of(std::move(outcome), latency);
  }

 private:
  std::string user_;
  std::string database_;
};

}  // namespace

std::span<const config::OptionSpec> postgresql_checker_options() {
  using config::OptionType;
  static const std::array<config::OptionSpec, 2> kSpecs = {{
      {.key = "user",
       .type = OptionType::text,
       .default_value = std::string("weir"),
       .summary = "user of the session that is begun; needs no password and no rights"},
      {.key = "database",
       .type = OptionType::text,
       .default_value = std::string(),
       .summary = "database of the session; empty: the one called as the user"},
  }};
  return kSpecs;
}

std::vector<config::OptionFault> postgresql_checker_faults(const config::Choice& choice) {
  config::OptionFaults faults;
  for (std::string_view key : {"user", "database"}) {
    const auto& name = option_or_default<std::string>(choice, postgresql_checker_options(), key);
    bool is_missing = key == "user" && name.empty();
    if (is_missing) faults.push_back({key, "must not be empty"});
    if (name.size() > kMaxNameBytes || config::has_control_bytes(name)) {
      faults.push_back({key, fmt::format("must have no control characters and at most {} bytes", kMaxNameBytes)});
    }
  }
  return faults;
}

std::unique_ptr<Checker> make_postgresql_checker(const config::Choice& choice) {
  return std::make_unique<PostgresqlChecker>(
      option_or_default<std::string>(choice, postgresql_checker_options(), "user"),
      option_or_default<std::string>(choice, postgresql_checker_options(), "database"));
}

}  // namespace weir::health
