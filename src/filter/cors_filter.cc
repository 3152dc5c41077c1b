// Cross-origin resource sharing (Fetch standard, 3.2): which other sites' pages may use this one. Weir answers the
// questions that browsers ask first (preflights), and says to each response who may read it.
#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/text.h"
#include "config/contains.h"
#include "config/text_rules.h"
#include "filter/filter.h"

namespace weir::filter {
namespace {

using config::OptionSpec;
using config::OptionType;
using Texts = std::vector<std::string>;

enum Key : std::size_t { origins, methods, headers, expose, credentials, max_age };

const std::array<OptionSpec, 6>& options() {
  static const std::array<OptionSpec, 6> kOptions{{
      {.key = "origins",
       .type = OptionType::text_list,
       .default_value = Texts(),
       .summary = "the sites whose pages may: https://app.example.com, https://*.example.com for all below it, or *"},
      {.key = "methods",
       .type = OptionType::text_list,
       .default_value = Texts{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"},
       .summary = "the methods they may use"},
      {.key = "headers",
       .type = OptionType::text_list,
       .default_value = Texts(),
       .summary = "the request headers they may send; when not set, all that they ask for"},
      {.key = "expose",
       .type = OptionType::text_list,
       .default_value = Texts(),
       .summary = "the response headers they may read, beside the simple ones"},
      {.key = "credentials",
       .type = OptionType::boolean,
       .default_value = false,
       .summary = "they may send cookies and passwords; not with the origin *"},
      {.key = "max_age",
       .type = OptionType::duration,
       .default_value = config::Duration(std::chrono::minutes(10)),
       .min = 0,
       .max = 86'400'000,
       .summary = "how long browsers keep the answer to a preflight"},
  }};
  return kOptions;
}

Texts texts_of(const config::Choice& choice, Key key) {
  return config::option_or_default<Texts>(choice, options()[key]);
}

// "https://*.example.com" is every host below example.com, at any depth.
bool is_origin_of(std::string_view origin, std::string_view pattern) {
  auto star = pattern.find("*.");
  if (star == std::string_view::npos) return base::equal_ignoring_case(origin, pattern);
  std::string_view scheme = pattern.substr(0, star);
  std::string_view suffix = pattern.substr(star + 1);
  if (origin.size() <= scheme.size() + suffix.size()) return false;
  if (!base::equal_ignoring_case(origin.substr(0, scheme.size()), scheme)) return false;
  std::string_view end = origin.substr(origin.size() - suffix.size());
  std::string_view labels = origin.substr(scheme.size(), origin.size() - scheme.size() - suffix.size());
  auto is_of_label = [](char c) {
    char lower = base::ascii_lower(c);
    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  };
  return base::equal_ignoring_case(end, suffix) && std::ranges::all_of(labels, is_of_label);
}

std::string_view value_of(const Request& request, std::string_view name) {
  const http::HeaderField* field = request.head.headers.find(name);
  return field == nullptr ? std::string_view() : field->value;
}

class Cors final : public Filter {
 public:
  explicit Cors(const config::Choice& choice)
      : origins_(texts_of(choice, origins)),
        any_origin_(origins_ == Texts{"*"}),
        methods_(fmt::format("{}", fmt::join(texts_of(choice, methods), ", "))),
        headers_(fmt::format("{}", fmt::join(texts_of(choice, headers), ", "))),
        expose_(fmt::format("{}", fmt::join(texts_of(choice, expose), ", "))),
        credentials_(config::option_or_default<bool>(choice, options()[credentials])) {
    auto age = config::option_or_default<config::Duration>(choice, options()[max_age]);
    max_age_ = fmt::format("{}", std::chrono::duration_cast<std::chrono::seconds>(age).count());
  }

  Verdict on_request(Request& request, Memory&) const override {
    bool is_preflight = request.head.method == "OPTIONS" && !value_of(request, "origin").empty() &&
                        !value_of(request, "access-control-request-method").empty();
    return is_preflight ? preflight(request) : Verdict::pass();
  }

  void on_response(const Response& response, Memory&) const override {
    HeadEdit& edit = response.edit;
    for (std::string_view name : kOwnFields) edit.remove(name);
    // A cache may give the response to pages of other sites: every response says `*`, and other origins come with Vary.
    if (!any_origin_) edit.add("vary", "Origin");
    std::string_view origin = value_of(response.request, "origin");
    if (!any_origin_ && (origin.empty() || !allows(origin))) return;
    edit.add("access-control-allow-origin", any_origin_ ? std::string_view("*") : origin);
    if (credentials_) edit.add("access-control-allow-credentials", "true");
    if (!expose_.empty()) edit.add("access-control-expose-headers", expose_);
  }

 private:
  static constexpr std::array<std::string_view, 3> kOwnFields{
      "access-control-allow-origin", "access-control-allow-credentials", "access-control-expose-headers"};

  bool allows(std::string_view origin) const {
    if (any_origin_) return true;
    return std::ranges::any_of(origins_, [&](const std::string& pattern) { return is_origin_of(origin, pattern); });
  }

  // on_response() adds what every response says.
  Verdict preflight(Request& request) const {
    if (!allows(value_of(request, "origin"))) {
      return Verdict::answered({.status = 403,
                                .termination = worker::Termination::denied,
                                .detail = "the Origin of the preflight is not among filters.cors.origins",
                                .message = "Pages of this origin may not use this site."});
    }
    Answer answer{.status = 204};
    answer.fields.add("access-control-allow-methods", methods_, request.arena);
    std::string_view asked = value_of(request, "access-control-request-headers");
    std::string_view allowed = headers_.empty() ? asked : std::string_view(headers_);
    if (!allowed.empty()) answer.fields.add("access-control-allow-headers", allowed, request.arena);
    answer.fields.add("access-control-max-age", max_age_, request.arena);
    answer.fields.add("vary", "Access-Control-Request-Method, Access-Control-Request-Headers", request.arena);
    return Verdict::answered(answer);
  }

  Texts origins_;
  bool any_origin_;
  std::string methods_;
  std::string headers_;
  std::string expose_;
  bool credentials_;
  std::string max_age_;
};

// scheme://host[:port], or that with "*." before the host.
bool is_origin(std::string_view text) {
  auto scheme = text.find("://");
  if (text == "null" || scheme == std::string_view::npos || !config::is_token(text.substr(0, scheme))) return false;
  std::string_view host = text.substr(scheme + 3);
  if (host.starts_with("*.")) host.remove_prefix(2);
  auto colon = host.rfind(':');
  std::string_view usual = base::equal_ignoring_case(text.substr(0, scheme), "https") ? ":443" : ":80";
  if (colon != std::string_view::npos && host.substr(colon) == usual) return false;  // browsers leave it out
  if (colon != std::string_view::npos && base::parse_unsigned(host.substr(colon + 1), 65535)) {
    host = host.substr(0, colon);
  }
  return config::is_host_name(host) || base::IpAddress::parse(host).has_value() ||
         (host.starts_with('[') && host.ends_with(']') && base::IpAddress::parse(host.substr(1, host.size() - 2)));
}

void check_words(std::string_view key, const Texts& words, std::string_view what,
                 std::vector<config::OptionFault>& faults) {
  for (const std::string& word : words) {
    if (!config::is_token(word)) faults.push_back({key, fmt::format("{} is no {}", config::quoted(word), what)});
  }
}

}  // namespace

std::span<const OptionSpec> cors_options() { return options(); }

std::vector<config::OptionFault> cors_faults(const config::Choice& choice) {
  std::vector<config::OptionFault> faults;
  Texts all = texts_of(choice, origins);
  bool has_any = std::ranges::find(all, "*") != all.end();
  if (all.empty()) faults.push_back({"origins", "must list at least one, such as https://app.example.com, or *"});
  if (has_any && all.size() > 1) faults.push_back({"origins", "'*' is every origin; remove the others, or it"});
  if (has_any && config::option_or_default<bool>(choice, options()[credentials])) {
    faults.push_back({"credentials", "must not be true with the origin *, which browsers refuse; list the origins"});
  }
  for (const std::string& origin : all) {
    if (origin == "*" || is_origin(origin)) continue;
    faults.push_back(
        {"origins", fmt::format("{} is no origin; write scheme, host and port alone, such as "
                                "https://app.example.com or https://*.example.com, without the scheme's own port",
                                config::quoted(origin))});
  }
  for (const std::string& method : texts_of(choice, methods)) {
    if (std::ranges::any_of(method, [](char c) { return c >= 'a' && c <= 'z'; })) {
      faults.push_back({"methods", fmt::format("methods are case-sensitive (RFC 9110 9.1); write upper case, not {}",
                                               config::quoted(method))});
    }
  }
  if (config::option_or_default<bool>(choice, options()[credentials])) {
    for (Key key : {methods, headers, expose}) {
      if (!config::contains(texts_of(choice, key), "*")) continue;
      faults.push_back({options()[key].key, "with credentials browsers take '*' for a name; list the names"});
    }
  }
  check_words("methods", texts_of(choice, methods), "method name", faults);
  check_words("headers", texts_of(choice, headers), "header name", faults);
  check_words("expose", texts_of(choice, expose), "header name", faults);
  return faults;
}

std::string_view cors_sample() { return "{origins: [https://app.example.com], credentials: true}"; }
std::shared_ptr<const Filter> make_cors(const config::Choice& choice, const Setting&) {
  return std::make_shared<Cors>(choice);
}

}  // namespace weir::filter
