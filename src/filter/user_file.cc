#include "filter/user_file.h"

#include <algorithm>
#include <array>
#include <crypt.h>
#include <fmt/format.h>
#include <optional>

#include "base/hash.h"
#include "base/text.h"
#include "config/text_rules.h"

namespace weir::filter {
namespace {

constexpr std::array<std::string_view, 8> kForms{"$2a$", "$2b$", "$2y$", "$y$", "$gy$", "$7$", "$6$", "$5$"};

// Whether checking a password takes seconds at most: costs are the file's to choose, and one thread pays for them. The
// cost of each form as crypt(5) writes it: two digits of bcrypt, rounds of SHA-crypt, a letter (log2) of the others.
bool has_bearable_cost(std::string_view hash) {
  constexpr std::uint64_t kLeastBcrypt = 4, kMostBcrypt = 15, kMostRounds = 5'000'000;
  constexpr std::string_view kLetters = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  constexpr std::size_t kMostYescrypt = kLetters.find('D'), kMostScrypt = kLetters.find('G');
  std::string_view cost = hash.substr(hash.find('$', 1) + 1);
  if (hash.starts_with("$2")) {
    std::optional<std::uint64_t> log2 = base::parse_unsigned(cost.substr(0, 2), 99);
    return log2 && *log2 >= kLeastBcrypt && *log2 <= kMostBcrypt;
  }
  if (hash.starts_with("$6") || hash.starts_with("$5")) {
    constexpr std::string_view kRounds = "rounds=";
    if (!cost.starts_with(kRounds)) return true;
    std::string_view rounds = cost.substr(kRounds.size(), cost.find('$') - kRounds.size());
    return base::parse_unsigned(rounds, kMostRounds).has_value();
  }
  bool is_scrypt = hash.starts_with("$7");
  std::size_t at = is_scrypt ? 0 : 1;
  if (cost.size() <= at) return false;
  std::size_t log2 = kLetters.find(cost[at]);
  return log2 <= (is_scrypt ? kMostScrypt : kMostYescrypt);
}

// Why nobody could have a password with this hash; null: somebody may.
const char* fault_of(std::string_view hash) {
  bool is_known = std::ranges::any_of(kForms, [&](std::string_view form) { return hash.starts_with(form); });
  if (!is_known) {
    return "has a password in clear, or a hash of a kind that is not taken; `htpasswd -B` makes one of bcrypt, "
           "`mkpasswd -m yescrypt` one of yescrypt, `openssl passwd -6` one of SHA-512";
  }
  // Behind the last '$': the code alone, or with bcrypt the salt before it.
  std::size_t whole = hash.starts_with("$2") ? 53 : hash.starts_with("$6") ? 86 : 43;
  if (hash.size() - hash.rfind('$') - 1 != whole) return "has a hash that is not whole";
  if (!has_bearable_cost(hash)) {
    return "has a hash that costs too much or too little: bcrypt from 4 to 15, SHA-crypt up to 5000000 rounds, "
           "yescrypt "
           "up to the letter D ($y$jD), scrypt up to G ($7$G)";
  }
  int checked = crypt_checksalt(std::string(hash).c_str());
  bool is_usable = checked != CRYPT_SALT_INVALID && checked != CRYPT_SALT_METHOD_DISABLED;
  return is_usable ? nullptr : "has a hash that is malformed";
}

}  // namespace

std::expected<UserFile, std::string> UserFile::parse(std::string_view text) {
  UserFile file;
  constexpr std::string_view kMark = "\xEF\xBB\xBF";  // that editors put in front of UTF-8
  if (text.starts_with(kMark)) text.remove_prefix(kMark.size());
  for (int number = 1; !text.empty(); ++number) {
    auto end = text.find('\n');
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    line = base::trim(line);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (line.empty() || line.starts_with('#')) continue;
    auto fail = [&](std::string_view why) { return std::unexpected(fmt::format("line {}: {}", number, why)); };
    auto colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0) return fail("must be a name, a colon and a hash");
    std::string_view name = line.substr(0, colon);
    std::string_view hash = line.substr(colon + 1);
    hash = hash.substr(0, hash.find(':'));
    if (config::has_control_bytes(name)) return fail("the name has control bytes");
    if (const char* why = fault_of(hash)) return fail(fmt::format("the user {} {}", config::quoted(name), why));
    if (!file.users_.try_emplace(std::string(name), hash).second) {
      return fail(fmt::format("the user {} is there twice", config::quoted(name)));
    }
    file.all_.emplace_back(hash);
  }
  if (file.users_.empty()) return std::unexpected("names no user; `htpasswd -B -c FILE NAME` makes one");
  return file;
}

const std::string* UserFile::hash_of(std::string_view name) const {
  auto found = users_.find(name);
  return found == users_.end() ? nullptr : &found->second;
}

const std::string& UserFile::any_hash(std::string_view name) const { return all_[base::hash_text(name) % all_.size()]; }

}  // namespace weir::filter
