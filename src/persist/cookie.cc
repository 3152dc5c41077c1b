// The backend is in a signed cookie that Weir sets, so that a client keeps it whatever else changes.
#include <array>
#include <fmt/format.h>

#include "config/text_rules.h"
#include "persist/method.h"
#include "persist/sticky_cookie.h"

namespace weir::persist {
namespace {

using config::OptionSpec;
using config::OptionType;

constexpr std::array<std::string_view, 3> kSameSite{"lax", "strict", "none"};
constexpr std::array kSameSiteValues{http::SameSite::lax, http::SameSite::strict, http::SameSite::none};
constexpr double kLongestTtlMs = 400.0 * 86'400'000;  // what browsers keep a cookie for (RFC 6265bis 5.5)

enum Key : std::size_t { name, ttl, absolute, secure, same_site, domain, path };

const std::array<OptionSpec, 7>& options() {
  static const std::array<OptionSpec, 7> kOptions{{
      {.key = "name",
       .type = OptionType::text,
       .default_value = std::string("SERVERID"),
       .summary = "the name of the cookie"},
      {.key = "ttl",
       .type = OptionType::duration,
       .default_value = config::Duration(std::chrono::hours(1)),
       .min = 1000,
       .max = kLongestTtlMs,
       .summary = "how long the cookie lasts; each use renews it"},
      {.key = "absolute",
       .type = OptionType::boolean,
       .default_value = false,
       .summary = "the cookie is not renewed by use"},
      {.key = "secure",
       .type = OptionType::boolean,
       .default_value = false,
       .summary = "send the cookie over TLS only; when not set, where the listener speaks TLS or same_site is none",
       .is_optional = true},
      {.key = "same_site",
       .type = OptionType::text,
       .default_value = std::string("lax"),
       .summary = "whether the cookie comes with requests from other sites",
       .allowed = kSameSite},
      {.key = "domain",
       .type = OptionType::text,
       .default_value = std::string(),
       .summary = "hosts below this one get the cookie as well; when not set, only the host that was asked",
       .is_optional = true},
      {.key = "path",
       .type = OptionType::text,
       .default_value = std::string("/"),
       .summary = "the cookie is for paths below this one"},
  }};
  return kOptions;
}

http::SameSite same_site_of(std::string_view word) {
  for (std::size_t i = 0; i < kSameSite.size(); ++i) {
    if (kSameSite[i] == word) return kSameSiteValues[i];
  }
  return http::SameSite::lax;
}

CookieOptions read(const config::Choice& choice) {
  auto text = [&](Key key) { return config::option_or_default<std::string>(choice, options()[key]); };
  CookieOptions read{.name = text(name),
                     .ttl = config::option_or_default<config::Duration>(choice, options()[ttl]),
                     .absolute = config::option_or_default<bool>(choice, options()[absolute]),
                     .secure = {},
                     .same_site = same_site_of(text(same_site)),
                     .domain = text(domain),
                     .path = text(path)};
  if (choice.options.contains("secure")) read.secure = config::option<bool>(choice, "secure");
  return read;
}

class Cookie final : public Method {
 public:
  Cookie(CookieOptions options, const MethodSetting& setting)
      : backends_(setting.backends),
        cookies_(setting.key, setting.pool, std::move(options)),
        index_(setting.backends, cookies_) {}

  Match find(const Client& client) const override {
    if (client.request == nullptr) return {};
    auto named = cookies_.read(client.request->headers, client.unix_seconds);
    if (!named) return {};
    return {.index = index_.find(named->identity).value_or(balance::kNone), .is_due = named->is_due};
  }
  std::string_view chosen(const Client& client, std::uint32_t index, base::Arena& arena) const override {
    return cookies_.make(*backends_[index].backend, client.over_tls, client.unix_seconds, arena);
  }
  std::string known_by() const override { return "the cookie " + cookies_.name(); }

 private:
  const pool::BackendSet& backends_;
  StickyCookies cookies_;
  StickyIndex index_;
};

}  // namespace

std::span<const OptionSpec> cookie_options() { return options(); }

std::vector<config::OptionFault> cookie_faults(const config::Choice& choice) {
  CookieOptions cookie = read(choice);
  std::vector<config::OptionFault> faults;
  if (!config::is_token(cookie.name)) {
    faults.push_back({"name", fmt::format("{} cannot be the name of a cookie", config::quoted(cookie.name))});
  }
  if (!cookie.domain.empty() && !config::is_host_name(cookie.domain)) {
    faults.push_back({"domain", fmt::format("{} is no host name; write example.com", config::quoted(cookie.domain))});
  }
  if (!cookie.path.starts_with('/') || config::has_control_bytes(cookie.path) || cookie.path.contains(';')) {
    faults.push_back({"path", fmt::format("must begin with '/' and have no ';', not {}", config::quoted(cookie.path))});
  }
  if (cookie.same_site == http::SameSite::none && cookie.secure == false) {
    faults.push_back({"secure", "must be true with `same_site: none`, or browsers ignore the cookie"});
  }
  return faults;
}

std::unique_ptr<Method> make_cookie(const config::Choice& choice, const MethodSetting& setting) {
  return std::make_unique<Cookie>(read(choice), setting);
}

}  // namespace weir::persist
