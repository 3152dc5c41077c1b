// Runs a program and judges by how it exits.
#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fmt/format.h>
#include <map>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include "base/text.h"
#include "config/text_rules.h"
#include "health/checker.h"
#include "health/printable.h"
#include "health/probe_connection.h"
#include "net/programs.h"

namespace weir::health {

std::span<const config::OptionSpec> command_checker_options();
std::vector<config::OptionFault> command_checker_faults(const config::Choice& choice);
std::unique_ptr<Checker> make_command_checker(const config::Choice& choice);

namespace {

using Environment = std::map<std::string, std::string>;
using Words = std::vector<std::string>;

constexpr std::string_view kOwnNames = "WEIR_BACKEND_";
constexpr const char* kUsualPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

// Why the file cannot be run; empty: it can.
std::string fault_of_program(const std::string& path) {
  struct stat about{};
  if (::stat(path.c_str(), &about) != 0) return fmt::format("{}: {}", path, std::strerror(errno));
  if (!S_ISREG(about.st_mode)) return fmt::format("{} is no file", path);
  if (::access(path.c_str(), X_OK) != 0) return fmt::format("{} is not executable: {}", path, std::strerror(errno));
  return {};
}

bool is_variable_name(std::string_view name) {
  auto allowed = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  return !name.empty() && !(name[0] >= '0' && name[0] <= '9') && std::ranges::all_of(name, allowed);
}

// The last line that is not blank; empty: there is none.
std::string_view last_line(std::string_view output) {
  constexpr std::string_view kBlank = " \t\r\n";
  std::size_t end = output.find_last_not_of(kBlank);
  if (end == std::string_view::npos) return {};
  output = output.substr(0, end + 1);
  std::size_t begin = output.find_last_of("\r\n");
  return base::trim(begin == std::string_view::npos ? output : output.substr(begin + 1));
}

class CommandChecker final : public Checker {
 public:
  CommandChecker(Words command, const Environment& environment) : command_(std::move(command)) {
    if (!environment.contains("PATH")) {
      const char* path = std::getenv("PATH");
      environment_.push_back(fmt::format("PATH={}", path != nullptr ? path : kUsualPath));
    }
    for (const auto& [name, value] : environment) environment_.push_back(fmt::format("{}={}", name, value));
  }

  std::string question(std::string_view) const override { return command_.front(); }

  net::Task<CheckResult> check(CheckTarget target) override {
    base::TimePoint began = base::now();
    base::TimePoint deadline = net::Reactor::current().now() + target.timeout;
    net::ProgramOptions options{.command = command_, .environment = environment_for(target)};
    net::Programs& programs = target.programs != nullptr ? *target.programs : alone_;
    base::Result<net::ProgramEnd> end = co_await programs.run(std::move(options), deadline);
    std::string said;
    Probed outcome = end ? judge(*end, target, said) : judge(end.error());
    CheckResult result = CheckResult::of(std::move(outcome), base::now() - began);
    result.detail = std::move(said);
    co_return result;
  }

 private:
  Words environment_for(const CheckTarget& target) const {
    Words all = environment_;
    auto add = [&](std::string_view name, auto value) {
      all.push_back(fmt::format("{}{}={}", kOwnNames, name, value));
    };
    add("ADDRESS", target.address.to_string());
    add("IP", target.address.ip.to_string());
    add("PORT", target.address.port);
    add("HOST", target.host);
    add("POOL", target.pool);
    add("ID", target.id);
    return all;
  }

  // `said` takes the last line of what the program has written.
  static Probed judge(const net::ProgramEnd& end, const CheckTarget& target, std::string& said) {
    said = printable(last_line(end.output));
    std::string_view colon = said.empty() ? "" : ": ";
    if (end.timed_out) {
      base::Error late{.code = base::ErrorCode::timeout};
      std::unexpected<Failure> failure = failed(late, "run", "the program to end; it was killed", target.timeout);
      failure.error().text += fmt::format("{}{}", colon, said);
      return failure;
    }
    if (end.signal != 0) {
      const char* name = ::sigabbrev_np(end.signal);
      return failed(
          fmt::format("killed by SIG{}{}{}", name != nullptr ? name : fmt::to_string(end.signal), colon, said));
    }
    if (end.exit_code != 0) return failed(fmt::format("exit {}{}{}", end.exit_code, colon, said));
    return {};
  }

  // It did not run.
  Probed judge(const base::Error& error) const {
    if (error.code == base::ErrorCode::timeout) {
      std::string words = fmt::format("{} had no turn within its timeout: too many programs run at once", command_[0]);
      return std::unexpected(Failure{.text = std::move(words), .is_ours = true});
    }
    std::string words = fmt::format("cannot run {}: {}", command_[0], std::strerror(error.os_error));
    bool is_ours = error.code == base::ErrorCode::exhausted || error.os_error == EAGAIN;
    return std::unexpected(Failure{.text = std::move(words), .is_ours = is_ours});
  }

  Words command_;
  Words environment_;
  net::Programs alone_;
};

}  // namespace

std::span<const config::OptionSpec> command_checker_options() {
  using config::OptionType;
  static const std::array<config::OptionSpec, 2> kSpecs = {{
      {.key = "command",
       .type = OptionType::text_list,
       .default_value = Words(),
       .summary = "the program, by its absolute path, and its arguments; must be given"},
      {.key = "environment",
       .type = OptionType::text_map,
       .default_value = Environment(),
       .summary = "its environment, besides PATH and WEIR_BACKEND_ADDRESS, _IP, _PORT, _HOST, _POOL and _ID"},
  }};
  return kSpecs;
}

std::vector<config::OptionFault> command_checker_faults(const config::Choice& choice) {
  config::OptionFaults faults;
  const Words& command = option_or_default<Words>(choice, command_checker_options(), "command");
  auto has_zero = [](const std::string& text) { return text.find('\0') != std::string::npos; };
  if (command.empty() || command.front().empty()) {
    faults.push_back({"command", "must be given, such as [/usr/local/bin/check, argument]"});
  } else if (command.front().front() != '/') {
    faults.push_back({"command", fmt::format("{} is no absolute path", config::quoted(command.front()))});
  } else if (std::ranges::any_of(command, has_zero)) {
    faults.push_back({"command", "must not contain zero bytes"});
  } else if (std::string fault = fault_of_program(command.front()); !fault.empty()) {
    faults.push_back({"command", std::move(fault)});
  }
  for (const auto& [name, value] : option_or_default<Environment>(choice, command_checker_options(), "environment")) {
    if (!is_variable_name(name)) {
      faults.push_back({"environment", fmt::format("{} is no name of a variable", config::quoted(name))});
    } else if (name.starts_with(kOwnNames)) {
      faults.push_back({"environment", fmt::format("{} is set by Weir itself", name)});
    } else if (has_zero(value)) {
      faults.push_back({"environment", fmt::format("the value of {} contains a zero byte", name)});
    }
  }
  return faults;
}

std::unique_ptr<Checker> make_command_checker(const config::Choice& choice) {
  return std::make_unique<CommandChecker>(
      option_or_default<Words>(choice, command_checker_options(), "command"),
      option_or_default<Environment>(choice, command_checker_options(), "environment"));
}

}  // namespace weir::health
