// Asks for a user name and a password (RFC 7617), whose hashes are in a file. Hashes are slow on purpose: they are
// checked by PasswordChecks, and what came of it is remembered.
#include <array>
#include <fmt/format.h>
#include <openssl/evp.h>

#include "base/cleanse.h"
#include "base/text.h"
#include "config/text_rules.h"
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
constexpr std::size_t kLongestCredentials = 1024;  // in base64

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
       .is_optional = true},
  }};
  return kOptions;
}

std::string text_of(const config::Choice& choice, Key key) {
  return config::option_or_default<std::string>(choice, options()[key]);
}

// As a client sends them; nothing of them is left in memory.
struct Credentials {
  Credentials() = default;
  Credentials(const Credentials&) = delete;
  Credentials& operator=(const Credentials&) = delete;
  ~Credentials() { base::cleanse(both); }

  // False: the request has none that can be understood.
  bool read(const http::RequestHead& head);
  std::string_view name() const { return std::string_view(both).substr(0, both.find(':')); }
  std::string_view password() const { return std::string_view(both).substr(both.find(':') + 1); }

  std::string both;  // "name:password"
};

bool Credentials::read(const http::RequestHead& head) {
  const http::HeaderField* field = head.headers.find_only("authorization");
  constexpr std::string_view kScheme = "basic ";
  if (field == nullptr || !base::equal_ignoring_case(field->value.substr(0, kScheme.size()), kScheme)) return false;
  std::string_view coded = base::trim(field->value.substr(kScheme.size()));
  if (coded.empty() || coded.size() > kLongestCredentials || coded.size() % 4 != 0) return false;
  both.resize(coded.size() / 4 * 3);
  int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(both.data()),
                             reinterpret_cast<const unsigned char*>(coded.data()), static_cast<int>(coded.size()));
  if (size < 0) return false;
  std::size_t padding = coded.ends_with("==") ? 2 : coded.ends_with('=') ? 1 : 0;
  both.resize(static_cast<std::size_t>(size) - padding);
  // A byte of zero would end the password early where it is hashed.
  return both.find(':') != std::string::npos && !config::has_control_bytes(both);
}

class Auth final : public Filter {
 public:
  Auth(const config::Choice& choice, const Setting& setting)
      : users_(*UserFile::parse(*setting.file("users.file"))),
        passwords_(*setting.passwords),
        known_(setting.previous == nullptr ? std::make_shared<KnownPasswords>(setting.workers)
                                           : static_cast<const Auth*>(setting.previous)->known_),
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
    Credentials said;
    if (!said.read(request.head)) return refused(request, "filters.auth: the request has no Basic credentials");
    const std::string* hash = users_.hash_of(said.name());
    KnownPasswords::Tag tag = known_->tag(said.name(), said.password(), hash == nullptr ? users_.any_hash() : *hash);
    std::optional<bool> is_right = known_->find(request.worker, tag, request.now);
    if (!is_right) return Verdict::wait();
    return *is_right && hash != nullptr ? granted(request, said.name()) : wrong(request);
  }

  net::Task<Verdict> resume(Request& request, Memory&) const override {
    Credentials said;
    if (!said.read(request.head)) co_return wrong(request);
    const std::string* hash = users_.hash_of(said.name());
    // A name that is none takes as long as a wrong password.
    const std::string& checked = hash == nullptr ? users_.any_hash() : *hash;
    base::Result<bool> matches =
        co_await passwords_.matches(checked, std::string(said.password()), request.now + kPatience);
    if (!matches) co_return busy(matches.error().what);
    bool is_right = *matches && hash != nullptr;
    known_->keep(request.worker, known_->tag(said.name(), said.password(), checked), is_right, request.now);
    co_return is_right ? granted(request, said.name()) : wrong(request);
  }

 private:
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
  std::shared_ptr<KnownPasswords> known_;  // outlives changes of the configuration and of the file
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
