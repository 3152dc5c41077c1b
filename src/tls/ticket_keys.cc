#include "tls/ticket_keys.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <utility>

#include "base/assert.h"
#include "base/error.h"
#include "base/text.h"

namespace weir::tls {
namespace {

constexpr std::size_t kMaxKeys = 16;
constexpr std::size_t kBase64Characters = (TicketKey::kBytes + 2) / 3 * 4;

TicketKey key_of(const unsigned char* bytes) {
  TicketKey key;
  std::memcpy(key.name.data(), bytes, key.name.size());
  std::memcpy(key.cipher.data(), bytes + key.name.size(), key.cipher.size());
  std::memcpy(key.mac.data(), bytes + key.name.size() + key.cipher.size(), key.mac.size());
  return key;
}

}  // namespace

TicketKey TicketKey::random() {
  std::array<unsigned char, kBytes> bytes;
  WEIR_ASSERT(RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) == 1);
  TicketKey key = key_of(bytes.data());
  base::cleanse(bytes.data(), bytes.size());
  return key;
}

base::Checked<TicketKeys> parse_ticket_keys(std::string_view text) {
  TicketKeys keys;
  int line_number = 0;
  while (!text.empty()) {
    std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = base::trim(text.substr(0, end));
    if (line.ends_with('\r')) line = base::trim(line.substr(0, line.size() - 1));
    text.remove_prefix(std::min(end + 1, text.size()));
    ++line_number;
    if (line.empty() || line.starts_with('#')) continue;
    std::array<unsigned char, kBase64Characters> bytes;
    int decoded = -1;
    if (line.size() == kBase64Characters) {
      decoded = EVP_DecodeBlock(bytes.data(), reinterpret_cast<const unsigned char*>(line.data()),
                                static_cast<int>(line.size()));
    }
    if (decoded < static_cast<int>(TicketKey::kBytes)) {
      return std::unexpected(
          fmt::format("line {} is no key: {} bytes in base64 are needed, as `openssl rand -base64 80 | tr -d '\\n'` "
                      "makes them",
                      line_number, TicketKey::kBytes));
    }
    keys.push_back(key_of(bytes.data()));
    base::cleanse(bytes.data(), bytes.size());
    if (keys.size() > kMaxKeys) return std::unexpected(fmt::format("has more than {} keys", kMaxKeys));
  }
  if (keys.empty()) return std::unexpected(std::string("has no keys"));
  return keys;
}

TicketKeyRing::TicketKeyRing() { rotate(); }

std::shared_ptr<const TicketKeys> TicketKeyRing::keys() const {
  std::lock_guard lock(mutex_);
  return keys_;
}

void TicketKeyRing::replace(TicketKeys keys) {
  WEIR_ASSERT(!keys.empty());
  auto next = std::make_shared<const TicketKeys>(std::move(keys));
  std::lock_guard lock(mutex_);
  keys_ = std::move(next);
}

void TicketKeyRing::rotate() {
  TicketKeys next{TicketKey::random()};
  if (std::shared_ptr<const TicketKeys> present = keys()) {
    for (const TicketKey& key : *present) {
      if (next.size() < kKept) next.push_back(key);
    }
  }
  replace(std::move(next));
}

}  // namespace weir::tls
