#include "balance/hash_key.h"

#include <algorithm>

#include "base/text.h"

namespace weir::balance {
namespace {

bool is_token(std::string_view text) {
  static constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || kMarks.contains(c);
  });
}

}  // namespace

const config::OptionSpec& hash_key_option() {
  static const config::OptionSpec kOption{
      .key = "hash_key",
      .type = config::OptionType::text,
      .default_value = std::string("client_address"),
      .summary =
          "what is hashed: client_address, header:NAME, cookie:NAME, path or query:NAME; "
          "a request without that header, cookie or parameter goes by its client address",
  };
  return kOption;
}

std::optional<HashKeySource> parse_hash_key(std::string_view text) {
  using Kind = HashKeySource::Kind;
  if (text == "client_address") return HashKeySource{Kind::client_address, {}};
  if (text == "path") return HashKeySource{Kind::path, {}};
  std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view kind = text.substr(0, colon);
  std::string_view name = text.substr(colon + 1);
  if (kind == "header" && is_token(name)) return HashKeySource{Kind::header, base::to_lower(name)};
  if (kind == "cookie" && is_token(name)) return HashKeySource{Kind::cookie, std::string(name)};
  if (kind == "query" && !name.empty()) return HashKeySource{Kind::query, std::string(name)};
  return std::nullopt;
}

HashKeySource hash_key_of(const config::Choice& choice) {
  std::optional<HashKeySource> source = parse_hash_key(option_or_default<std::string>(choice, hash_key_option()));
  return source.value_or(HashKeySource{HashKeySource::Kind::client_address, {}});
}

base::Checked<void> check_hash_key(const config::Choice& choice) {
  std::string text = option_or_default<std::string>(choice, hash_key_option());
  if (parse_hash_key(text)) return {};
  return std::unexpected("'" + text + "' is none of client_address, header:NAME, cookie:NAME, path, query:NAME");
}

}  // namespace weir::balance
