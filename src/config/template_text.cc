#include "config/template_text.h"

#include <array>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "base/try.h"
#include "config/checks.h"
#include "config/reader.h"

namespace weir::config {
namespace {

struct Known {
  std::string_view name;
  Variable variable;
  bool in_redirects = true;
};
// A redirect has no pool. {header.NAME} and groups have no fixed name.
constexpr std::array kKnown{
    Known{"client", Variable::client},
    Known{"host", Variable::host},
    Known{"path", Variable::path},
    Known{"query", Variable::query},
    Known{"scheme", Variable::scheme},
    Known{"method", Variable::method},
    Known{"request_id", Variable::request_id},
    Known{"listener", Variable::listener},
    Known{"listener_port", Variable::listener_port},
    Known{"route", Variable::route},
    Known{"pool", Variable::pool, false},
    Known{"backend", Variable::backend, false},
    Known{"tls.version", Variable::tls_version},
    Known{"tls.cipher", Variable::tls_cipher},
    Known{"tls.sni", Variable::tls_sni},
    Known{"tls.client_subject", Variable::tls_client_subject},
    Known{"tls.client_names", Variable::tls_client_names},
    Known{"tls.client_sha256", Variable::tls_client_sha256},
};
constexpr std::string_view kHeader = "header.";

std::string unknown(std::string_view name, TemplateUse use) {
  std::vector<std::string_view> names;
  for (const Known& known : kKnown) {
    if (known.in_redirects || use != TemplateUse::redirect) names.push_back(known.name);
  }
  const std::string_view near = base::nearest(name, names);
  std::string message = fmt::format("{} is no variable here", quoted(fmt::format("{{{}}}", name)));
  if (!near.empty()) message += fmt::format("; did you mean '{{{}}}'?", near);
  if (near.empty()) {
    message += fmt::format("; known are {{{}}}", fmt::join(names, "}, {"));
    message += ", {header.NAME}";
    if (use == TemplateUse::redirect) message += " and, after path_regex, {1} to {9}";
  }
  return message + (near.empty() ? "; write '{{' for a brace" : " Write '{{' for a brace");
}

base::Checked<TemplatePiece> variable_of(std::string_view name, TemplateUse use) {
  if (name.starts_with(kHeader) && is_token(name.substr(kHeader.size()))) {
    return TemplatePiece{.variable = Variable::header, .text = base::to_lower(name.substr(kHeader.size()))};
  }
  if (use == TemplateUse::redirect && name.size() == 1 && name[0] >= '0' && name[0] <= '9') {
    return TemplatePiece{.variable = Variable::group, .group = static_cast<std::uint8_t>(name[0] - '0')};
  }
  for (const Known& known : kKnown) {
    if (known.name == name && (known.in_redirects || use != TemplateUse::redirect)) {
      return TemplatePiece{.variable = known.variable};
    }
  }
  return std::unexpected(unknown(name, use));
}

}  // namespace

std::vector<std::string_view> variable_names() {
  std::vector<std::string_view> names;
  for (const Known& known : kKnown) names.push_back(known.name);
  return names;
}

base::Checked<std::vector<TemplatePiece>> parse_template(std::string_view text, TemplateUse use) {
  std::vector<TemplatePiece> pieces;
  std::string literal;
  auto end_literal = [&] {
    if (!literal.empty()) pieces.push_back({.text = std::exchange(literal, {})});
  };
  while (!text.empty()) {
    const auto open = text.find('{');
    literal += text.substr(0, open);
    if (open == std::string_view::npos) break;
    text.remove_prefix(open);
    if (text.starts_with("{{")) {
      literal += '{';
      text.remove_prefix(2);
      continue;
    }
    const auto close = text.find('}');
    if (close == std::string_view::npos) {
      return std::unexpected(fmt::format("{} is not closed with '}}'; write '{{{{' for a brace", quoted(text)));
    }
    WEIR_TRY_TO(TemplatePiece variable, variable_of(text.substr(1, close - 1), use));
    end_literal();
    pieces.push_back(std::move(variable));
    text.remove_prefix(close + 1);
  }
  end_literal();
  return pieces;
}

}  // namespace weir::config
