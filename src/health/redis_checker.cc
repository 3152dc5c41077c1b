// Asks a Redis server for PONG, after AUTH if there is a password, and for its role if one is expected (RESP2,
// redis.io/docs/latest/develop/reference/protocol-spec).
#include <array>
#include <fmt/format.h>
#include <initializer_list>
#include <utility>

#include "base/try.h"
#include "config/text_rules.h"
#include "health/checker.h"
#include "health/password_file.h"
#include "health/printable.h"
#include "health/probe_connection.h"
#include "health/probe_stream.h"

namespace weir::health {

std::span<const config::OptionSpec> redis_checker_options();
std::vector<config::OptionFault> redis_checker_faults(const config::Choice& choice);
std::unique_ptr<Checker> make_redis_checker(const config::Choice& choice);

namespace {

constexpr std::array<std::string_view, 3> kRoles = {"any", "master", "replica"};

std::string command(std::initializer_list<std::string_view> words) {
  std::string bytes = fmt::format("*{}\r\n", words.size());
  for (std::string_view word : words) bytes += fmt::format("${}\r\n{}\r\n", word.size(), word);
  return bytes;
}

class RedisProbe {
 public:
  explicit RedisProbe(ProbeStream& stream) : stream_(stream) {}

  net::Task<Probed> run(const std::string& username, const std::optional<std::string>& password,
                        std::string_view role) {
    WEIR_CO_TRY(co_await stream_.open());
    WEIR_CO_TRY(co_await stream_.secure());
    if (password) {
      std::string login = username.empty() ? command({"AUTH", *password}) : command({"AUTH", username, *password});
      WEIR_CO_TRY(co_await ask(login, "+OK"));
    }
    WEIR_CO_TRY(co_await ask(command({"PING"}), "+PONG"));
    if (role != kRoles[0]) WEIR_CO_TRY(co_await check_role(role));
    co_return Probed();
  }

 private:
  net::Task<Probed> ask(std::string request, std::string_view expected) {
    WEIR_CO_TRY(co_await stream_.send(request, "the command to be taken"));
    WEIR_CO_TRY(co_await read_line());
    if (line_ != expected) co_return unexpected(expected.substr(1));
    co_return Probed();
  }

  // ROLE answers an array: "master", or "slave", the master's host and port, and the state of the link to it.
  net::Task<Probed> check_role(std::string_view role) {
    WEIR_CO_TRY(co_await stream_.send(command({"ROLE"}), "the command to be taken"));
    WEIR_CO_TRY(co_await read_line());
    if (!line_.starts_with('*')) co_return unexpected("an answer to ROLE");
    WEIR_CO_TRY(co_await read_word());
    std::string found = line_ == "slave" ? "replica" : line_;
    if (found != role) co_return failed(fmt::format("role {}, expected {}", config::quoted(found), role));
    if (found != "replica") co_return Probed();
    for (int i = 0; i < 3; ++i) WEIR_CO_TRY(co_await read_word());
    if (line_ == "connected") co_return Probed();
    co_return failed(
        fmt::format("the replica's link to its master is {}, expected 'connected'", config::quoted(line_)));
  }

  // A bulk string, or what stands for an integer.
  net::Task<Probed> read_word() {
    WEIR_CO_TRY(co_await read_line());
    if (line_.starts_with('$')) co_return co_await read_line();
    line_.erase(0, 1);
    co_return Probed();
  }

  net::Task<Probed> read_line() {
    std::size_t end = stream_.received().find("\r\n");
    while (end == std::string::npos) {
      WEIR_CO_TRY(co_await stream_.receive("the answer"));
      if (stream_.at_end()) co_return failed("closed before the answer");
      end = stream_.received().find("\r\n");
    }
    line_ = stream_.received().substr(0, end);
    stream_.drop(end + 2);
    co_return Probed();
  }

  // Errors of Redis begin with a minus and say what is wrong: "-LOADING Redis is loading the dataset in memory".
  std::unexpected<Failure> unexpected(std::string_view expected) const {
    if (line_.starts_with('-')) return failed(printable(std::string_view(line_).substr(1)));
    return failed(fmt::format("answer {}, expected {}", config::quoted(line_), expected));
  }

  ProbeStream& stream_;
  std::string line_;
};

class RedisChecker final : public Checker {
 public:
  RedisChecker(std::string username, std::string password_file, std::string role)
      : username_(std::move(username)), password_(std::move(password_file)), role_(std::move(role)) {}

  std::string question(std::string_view) const override { return role_ == kRoles[0] ? "" : "role " + role_; }

  net::Task<CheckResult> check(CheckTarget target) override {
    ProbeStream stream(target);
    Probed outcome;
    base::Checked<std::optional<std::string>> password = password_.read(base::now());
    if (password) {
      RedisProbe probe(stream);
      outcome = co_await probe.run(username_, *password, role_);
    } else {
      outcome = failed(password.error());
    }
    base::Nanoseconds latency = stream.elapsed();
    co_await stream.close();
    co_return CheckResult::of(std::move(outcome), latency);
  }

 private:
  std::string username_;
  PasswordFile password_;
  std::string role_;
};

}  // namespace

std::span<const config::OptionSpec> redis_checker_options() {
  using config::OptionType;
  static const std::array<config::OptionSpec, 3> kSpecs = {{
      {.key = "username",
       .type = OptionType::text,
       .default_value = std::string(),
       .summary = "user for AUTH; empty: the default user"},
      {.key = "password_file",
       .type = OptionType::text,
       .default_value = std::string(),
       .summary = "file whose first line is the password for AUTH; empty: no AUTH",
       .is_path = true},
      {.key = "role",
       .type = OptionType::text,
       .default_value = std::string(kRoles[0]),
       .summary = "the server's role by ROLE; a replica's link to its master must be up",
       .allowed = kRoles},
  }};
  return kSpecs;
}

std::vector<config::OptionFault> redis_checker_faults(const config::Choice& choice) {
  auto text = [&](std::string_view key) {
    return option_or_default<std::string>(choice, redis_checker_options(), key);
  };
  config::OptionFaults faults;
  std::string file = text("password_file");
  if (!text("username").empty() && file.empty()) {
    faults.push_back({"username", "is without effect: there is no password_file"});
  }
  if (std::string fault = PasswordFile::fault_of(file); !fault.empty()) faults.push_back({"password_file", fault});
  return faults;
}

std::unique_ptr<Checker> make_redis_checker(const config::Choice& choice) {
  auto text = [&](std::string_view key) {
    return option_or_default<std::string>(choice, redis_checker_options(), key);
  };
  return std::make_unique<RedisChecker>(text("username"), text("password_file"), text("role"));
}

}  // namespace weir::health
