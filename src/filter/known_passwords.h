// The outcome of password checks, so that a client's password is hashed slowly once and not for each request.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "persist/hmac_sha256.h"

namespace weir::filter {

// A bounded table for each worker, which only that worker uses. Holds no password: codes under a random key over name,
// password and hash, so that an entry means nothing once the hash has changed.
class KnownPasswords {
 public:
  using Tag = std::array<unsigned char, 16>;

  explicit KnownPasswords(std::uint32_t workers);

  Tag tag(std::string_view name, std::string_view password, std::string_view hash) const;
  // Whether the password was right; nothing: it has not been checked lately.
  std::optional<bool> find(std::uint32_t worker, const Tag& tag, base::TimePoint now) const;
  void keep(std::uint32_t worker, const Tag& tag, bool is_right, base::TimePoint now);

 private:
  struct Entry {
    Tag tag{};
    base::TimePoint expires{};
    bool is_right = false;
  };
  static constexpr std::size_t kSets = 512;  // of two entries
  struct alignas(64) Table {
    std::unique_ptr<std::array<std::array<Entry, 2>, kSets>> sets;
  };
  static std::size_t set_of(const Tag& tag) { return (tag[0] | std::size_t{tag[1]} << 8) % kSets; }

  persist::HmacSha256 code_;
  std::vector<Table> tables_;
};

}  // namespace weir::filter
