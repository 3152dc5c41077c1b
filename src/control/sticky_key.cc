#include "control/sticky_key.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fmt/format.h>
#include <fstream>
#include <openssl/evp.h>

#include "base/assert.h"

namespace weir::control {
namespace {

constexpr std::size_t kFewestBytes = 16;
constexpr std::size_t kMostBytes = 4096;
constexpr std::string_view kName = "sticky_cookies";

// The first half of a SHA-256.
base::HashKey key_of(std::string_view secret) {
  std::string text = "weir sticky cookies\n" + std::string(secret);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  int done = EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr);
  WEIR_ASSERT(done == 1 && size >= sizeof(base::HashKey));
  base::HashKey key{};
  std::memcpy(&key, digest.data(), sizeof key);
  return key;
}

// {"key":"<32 hexadecimal digits>"}
std::string to_json(const base::HashKey& key) {
  return fmt::format(R"({{"key":"{:016x}{:016x}"}})", key.first, key.second);
}

std::optional<base::HashKey> from_json(std::string_view json) {
  constexpr std::string_view kBefore = R"({"key":")";
  constexpr std::size_t kDigits = 16;
  if (!json.starts_with(kBefore) || json.size() != kBefore.size() + 2 * kDigits + 2) return std::nullopt;
  const char* digits = json.data() + kBefore.size();
  base::HashKey key{};
  auto first = std::from_chars(digits, digits + kDigits, key.first, 16);
  auto second = std::from_chars(digits + kDigits, digits + 2 * kDigits, key.second, 16);
  bool read = first.ptr == digits + kDigits && second.ptr == digits + 2 * kDigits;
  return read ? std::optional(key) : std::nullopt;
}

}  // namespace

std::expected<std::optional<base::HashKey>, config::Faults> configured_sticky_key(const config::StickySecret& secret) {
  if (secret.value) return key_of(*secret.value);
  if (!secret.file) return std::nullopt;
  auto fail = [&](std::string message) {
    return std::unexpected(config::Faults{{{}, "sticky_secret.file", std::move(message)}});
  };
  std::ifstream file(*secret.file, std::ios::binary);
  if (!file) return fail(fmt::format("cannot read {}: {}", *secret.file, std::strerror(errno)));
  std::string text(kMostBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) return fail(fmt::format("cannot read {} to its end", *secret.file));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > kMostBytes) return fail(fmt::format("{} is longer than {} bytes", *secret.file, kMostBytes));
  text.erase(text.find_last_not_of(" \t\r\n") + 1);
  if (text.size() < kFewestBytes) {
    return fail(fmt::format("{} holds {} bytes and must hold at least {}; `openssl rand -hex 32` makes a good secret",
                            *secret.file, text.size(), kFewestBytes));
  }
  return key_of(text);
}

std::optional<base::HashKey> stored_sticky_key(const StoreContents& contents) {
  auto stored = std::ranges::find_if(
      contents.objects, [](const StoredObject& object) { return object.kind == kSecretKind && object.name == kName; });
  return stored == contents.objects.end() ? std::nullopt : from_json(stored->json);
}

StoreChange sticky_key_change(const base::HashKey& key) {
  return {.kind = std::string(kSecretKind), .name = std::string(kName), .json = to_json(key)};
}

}  // namespace weir::control
