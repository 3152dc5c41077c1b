// Asks for a user name and a password (RFC 7617), whose hashes are in a file. Hashes are slow on purpose: they are
// checked by PasswordChecks, and what came of it is remembered.
#include <array>
#include <fmt/format.h>

#include "base/text.h"
#include "config/text_rules.h"
#include "filter/basic_credentials.h"
#include "filter/checks_under_way.h"
#include "filter/filter.h"
#include "filter/known_passwords.h"
#include "filter/password_checks.h"
#include "filter/user_file.h"

namespace weir::filter {
namespace {

using config::OptionSpec;
using config::OptionType;
using namespace std::chrono_literals;

constexpr base::Nanoseconds kPatience = 10s;

enum Key : std::size_t { users, realm, forward, user_header };

const std::array<OptionSpec, 4>& options() {
  static const std::array<OptionSpec, 4> kOptions{{
      {.key = "users.file",
       .type = OptionType::text,
       .default_value = std::string(),
       .summary = "a file with a line `name:hash` for each user, as htpasswd -B writes it; read again when it changes",
       .is_path = true},
      {.key = "realm",
       .type = OptionType::text,
       .default_value = std::string("Restricted"),
       .summary = "what browsers call the place when they ask"},
      {.key = "forward",
       .type = OptionType::boolean,
       .default_value = false,
       .summary = "backends get the Authorization field as well"},
      {.key = "user_header",
       .type = OptionType::text,
       .default_value = std::string(),
       .summary = "the header in which backends get the user's name, in place of what the client says there",
       .is_optional = true,
       .is_trusted_header = true},
  }};
  return kOptions;
}

std::string text_of(const config::Choice& choice, Key key) {
  return config::option_or_default<std::string>(choice, options()[key]);
}

class Auth final : public Filter {
 public:
  Auth(const config::Choice& choice, const Setting& setting)
      : users_(*UserFile::parse(*setting.file("users.file"))),
        passwords_(*setting.passwords),
        state_(setting.previous == nullptr ? std::make_shared<State>(setting.workers)
                                           : static_cast<const Auth*>(setting.previous)->state_),
        forward_(config::option_or_default<bool>(choice, options()[forward])),
        user_header_(base::to_lower(text_of(choice, user_header))) {
    std::string quoted;
    for (char c : text_of(choice, realm)) {
      if (c == '"' || c == '\\') quoted += '\\';
      quoted += c;
    }
    challenge_ = fmt::format("Basic realm=\"{}\", charset=\"UTF-8\"", quoted);
    passwords_.start();
  }

  Verdict on_request(Request& request, Memory&) const override {
    BasicCredentials said;
    if (!said.read(request.head)) return refused(request, "filters.auth: the request has no Basic credentials");
    std::optional<bool> is_right = state_->known.find(request.worker, check_of(said).tag, request.now);
    return is_right ? verdict(request, said, *is_right) : Verdict::wait();
  }

  net::Task<Verdict> resume(Request& request, Memory&) const override {
    BasicCredentials said;
    if (!said.read(request.head)) co_return wrong(request);
    const Check check = check_of(said);
    const base::TimePoint deadline = request.now + kPatience;
    std::optional<bool> is_right = state_->known.find(request.worker, check.tag, request.now);
    // A client sends several requests at once: one of them has its password checked.
    while (ChecksUnderWay::Leader* leader = is_right ? nullptr : state_->under_way.find(request.worker, check.tag)) {
      base::Result<void> ended = co_await leader->follow(deadline);
      if (!ended) co_return busy(kTooLong);
      is_right = state_->known.find(request.worker, check.tag, request.now);
    }
    if (is_right) co_return verdict(request, said, *is_right);
    ChecksUnderWay::Leader leader(state_->under_way, request.worker, check.tag);
    base::Result<bool> matches = co_await passwords_.matches(
        {.hash = check.hash, .password = std::string(said.password()), .client = request.client}, deadline);
    if (!matches) co_return busy(matches.error().code == base::ErrorCode::exhausted ? matches.error().what : kTooLong);
    state_->known.keep(request.worker, check.tag, *matches, request.now);
    co_return verdict(request, said, *matches);
  }

 private:
  static constexpr const char* kTooLong = "filters.auth: checking the password took too long";

  // Outlives changes of the configuration and of the file.
  struct State {
    explicit State(std::uint32_t workers) : known(workers), under_way(workers) {}
    KnownPasswords known;
    ChecksUnderWay under_way;
  };
  // A name that is none is checked like the others.
  struct Check {
    const std::string& hash;
    KnownPasswords::Tag tag;
  };
  Check check_of(const BasicCredentials& said) const {
    const std::string* own = users_.hash_of(said.name());
    const std::string& hash = own == nullptr ? users_.any_hash(said.name()) : *own;
    return {.hash = hash, .tag = state_->known.tag(said.name(), said.password(), hash)};
  }
  Verdict verdict(Request& request, const BasicCredentials& said, bool is_right) const {
    return is_right && users_.hash_of(said.name()) != nullptr ? granted(request, said.name()) : wrong(request);
  }
  Verdict granted(Request& request, std::string_view name) const {
    if (!forward_) request.edit.remove("authorization");
    if (!user_header_.empty()) request.edit.set(user_header_, request.arena.copy(name));
    return Verdict::pass();
  }
  Verdict refused(Request& request, std::string_view detail) const {
    Answer answer{.status = 401,
                  .termination = worker::Termination::unauthorized,
                  .detail = detail,
                  .message = "A user name and a password are needed here."};
    answer.fields.add("www-authenticate", challenge_, request.arena);
    return Verdict::answered(answer);
  }
  Verdict wrong(Request& request) const { return refused(request, "filters.auth: the name or the password is wrong"); }
  static Verdict busy(const char* why) {
    Answer answer{.status = 503,
                  .termination = worker::Termination::exhausted,
                  .detail = why,
                  .message = "Passwords cannot be checked at present."};
    return Verdict::answered(answer);
  }

  UserFile users_;
  PasswordChecks& passwords_;
  std::shared_ptr<State> state_;
  bool forward_;
  std::string user_header_;  // lower case; empty: none
  std::string challenge_;
};

}  // namespace

std::span<const OptionSpec> auth_options() { return options(); }

std::vector<config::OptionFault> auth_faults(const config::Choice& choice) {
  std::vector<config::OptionFault> faults;
  if (text_of(choice, users).empty()) faults.push_back({"users.file", "is needed: the path of a file with the users"});
  if (config::has_control_bytes(text_of(choice, realm))) faults.push_back({"realm", "has control bytes"});
  std::string header = text_of(choice, user_header);
  if (!choice.options.contains("user_header")) return faults;
  if (!config::is_token(header)) {
    faults.push_back({"user_header", fmt::format("{} is no header name", config::quoted(header))});
  } else if (config::is_own_header(header) || base::equal_ignoring_case(header, "host")) {
    faults.push_back(
        {"user_header", fmt::format("'{}' must not hold a user's name: it decides how the request is read", header)});
  }
  return faults;
}

std::string auth_file_fault(std::string_view, std::string_view text) {
  auto parsed = UserFile::parse(text);
  return parsed ? std::string() : parsed.error();
}

std::string_view auth_sample() { return "{users: {file: users.htpasswd}, realm: Staging}"; }

std::shared_ptr<const Filter> make_auth(const config::Choice& choice, const Setting& setting) {
  return std::make_shared<Auth>(choice, setting);
}

}  // namespace weir::filter
