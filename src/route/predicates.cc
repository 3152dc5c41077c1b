#include "route/predicates.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/text.h"
#include "http/query.h"

namespace weir::route {

using config::MatchKind;

NamedPredicate::NamedPredicate(const config::NamedMatch& match) : match_(match), id_(http::header_id(match.name)) {
  if (match.kind == MatchKind::regex) expression_.emplace(match.value);
}

bool NamedPredicate::value_fits(std::string_view value) const {
  switch (match_.kind) {
    case MatchKind::exact:
      return value == match_.value;
    case MatchKind::prefix:
      return value.starts_with(match_.value);
    case MatchKind::regex:
      return expression_->matches(value);
    case MatchKind::present:
    case MatchKind::absent:
      return true;
  }
  return false;
}

bool NamedPredicate::holds_for_headers(const http::HeaderMap& headers) const {
  for (const http::HeaderField& field : headers) {
    if (field.id != id_) continue;
    if (id_ == http::HeaderId::other && !base::equal_ignoring_case(field.name, match_.name)) continue;
    if (value_fits(field.value)) return match_.kind != MatchKind::absent;
  }
  return match_.kind == MatchKind::absent;
}

bool NamedPredicate::holds_for_query(std::string_view query, base::Arena& arena) const {
  while (auto parameter = http::next_parameter(query)) {
    if (!http::decodes_to(parameter->name, match_.name)) continue;
    const bool fits = match_.kind == MatchKind::exact ? http::decodes_to(parameter->value, match_.value)
                                                      : value_fits(http::decode_parameter(parameter->value, arena));
    if (fits) return match_.kind != MatchKind::absent;
  }
  return match_.kind == MatchKind::absent;
}

std::string NamedPredicate::to_string() const {
  switch (match_.kind) {
    case MatchKind::exact:
      return fmt::format("{} is '{}'", match_.name, match_.value);
    case MatchKind::prefix:
      return fmt::format("{} begins with '{}'", match_.name, match_.value);
    case MatchKind::regex:
      return fmt::format("{} matches {}", match_.name, match_.value);
    case MatchKind::present:
      return match_.name + " is present";
    case MatchKind::absent:
      return match_.name + " is absent";
  }
  return {};
}

Predicates::Predicates(const config::Match& match)
    : methods_(match.method),
      clients_(match.client),
      headers_(match.header.begin(), match.header.end()),
      query_(match.query.begin(), match.query.end()) {}

std::uint32_t Predicates::count() const {
  return static_cast<std::uint32_t>((methods_.empty() ? 0 : 1) + (clients_.empty() ? 0 : 1) + headers_.size() +
                                    query_.size());
}

bool Predicates::method_fits(std::string_view method) const {
  return methods_.empty() || std::ranges::find(methods_, method) != methods_.end();
}

bool Predicates::client_fits(const base::IpAddress& client) const {
  return clients_.empty() ||
         std::ranges::any_of(clients_, [&client](const base::Cidr& block) { return block.contains(client); });
}

bool Predicates::hold(const http::RequestHead& request, const base::IpAddress& client, base::Arena& arena) const {
  if (!method_fits(request.method) || !client_fits(client)) return false;
  for (const NamedPredicate& header : headers_) {
    if (!header.holds_for_headers(request.headers)) return false;
  }
  for (const NamedPredicate& parameter : query_) {
    if (!parameter.holds_for_query(request.query, arena)) return false;
  }
  return true;
}

bool Predicates::explain(const http::RequestHead& request, const base::IpAddress& client,
                         std::vector<std::string>& why) const {
  auto note = [&why](bool holds, std::string yes, std::string no) {
    why.push_back(holds ? std::move(yes) : std::move(no));
    return holds;
  };
  if (!methods_.empty() && !note(method_fits(request.method), fmt::format("method is {}", request.method),
                                 fmt::format("method {} is not {}", request.method, fmt::join(methods_, " or ")))) {
    return false;
  }
  if (!clients_.empty()) {
    std::vector<std::string> blocks;
    blocks.reserve(clients_.size());
    for (const base::Cidr& block : clients_) blocks.push_back(block.to_string());
    std::string in = fmt::format("in {}", fmt::join(blocks, " or "));
    std::string address = client.to_string();
    if (!note(client_fits(client), fmt::format("client {} is {}", address, in),
              fmt::format("client {} is not {}", address, in))) {
      return false;
    }
  }
  base::Arena arena;
  for (const NamedPredicate& header : headers_) {
    const std::string text = header.to_string();
    if (!note(header.holds_for_headers(request.headers), "header " + text, "it does not hold that header " + text)) {
      return false;
    }
  }
  for (const NamedPredicate& parameter : query_) {
    const std::string text = parameter.to_string();
    if (!note(parameter.holds_for_query(request.query, arena), "query parameter " + text,
              "it does not hold that query parameter " + text)) {
      return false;
    }
  }
  return true;
}

}  // namespace weir::route
