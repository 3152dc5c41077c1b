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
#include "base/cleanse.h"

namespace weir::control {
namespace {

constexpr std::size_t kFewestBytes = 16;
constexpr std::size_t kMostBytes = 4096;
constexpr std::string_view kName = "sticky_cookies";

// A SHA-256.
persist::StickyKey key_of(std::string_view secret) {
  std::string text;
  base::CleanseAtExit cleansed(text);
  text.reserve(kMostBytes + 64);
  text += "weir sticky cookies\n";
  text += secret;
  persist::StickyKey key;
  unsigned int size = 0;
  int done = EVP_Digest(text.data(), text.size(), key.bytes.data(), &size, EVP_sha256(), nullptr);
  WEIR_ASSERT(done == 1 && size == key.bytes.size());
  return key;
}

constexpr std::string_view kBefore = R"({"key":")";

// {"key":"<64 hexadecimal digits>"}
std::string to_json(const persist::StickyKey& key) {
  std::string json(kBefore);
  for (unsigned char byte : key.bytes) json += fmt::format("{:02x}", byte);
  return json + "\"}";
}

// A key of an earlier version has 32 digits.
std::optional<persist::StickyKey> from_json(std::string_view json) {
  if (!json.starts_with(kBefore) || !json.ends_with("\"}")) return std::nullopt;
  std::string_view digits = json.substr(kBefore.size(), json.size() - kBefore.size() - 2);
  persist::StickyKey key;
  if (digits.size() != 2 * key.bytes.size() && digits.size() != key.bytes.size()) return std::nullopt;
  for (std::size_t i = 0; 2 * i < digits.size(); ++i) {
    auto read = std::from_chars(digits.data() + 2 * i, digits.data() + 2 * i + 2, key.bytes[i], 16);
    if (read.ptr != digits.data() + 2 * i + 2) return std::nullopt;
  }
  return key;
}

}  // namespace

std::expected<std::optional<persist::StickyKey>, config::Faults> configured_sticky_key(
    const config::StickySecret& secret) {
  if (secret.value) return key_of(*secret.value);
  if (!secret.file) return std::nullopt;
  auto fail = [&](std::string message) {
    return std::unexpected(config::Faults{{{}, "sticky_secret.file", std::move(message)}});
  };
  std::ifstream file(*secret.file, std::ios::binary);
  if (!file) return fail(fmt::format("cannot read {}: {}", *secret.file, std::strerror(errno)));
  std::string text(kMostBytes + 1, '\0');
  base::CleanseAtExit cleansed(text);
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

std::optional<persist::StickyKey> stored_sticky_key(const store::Contents& contents) {
  auto stored = std::ranges::find_if(
      contents.objects, [](const store::Object& object) { return object.kind == kSecretKind && object.name == kName; });
  return stored == contents.objects.end() ? std::nullopt : from_json(stored->json);
}

store::Change sticky_key_change(const persist::StickyKey& key) {
  return {.kind = std::string(kSecretKind), .name = std::string(kName), .json = to_json(key)};
}

}  // namespace weir::control
