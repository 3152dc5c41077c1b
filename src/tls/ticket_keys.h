// The keys that session tickets are sealed with (RFC 5077 4): the same for all workers, so that a client may resume on
// any of them, and from a file for several Weirs.
#pragma once

#include <array>
#include <cstddef>
#include <expected>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/cleanse.h"
#include "base/error.h"

namespace weir::tls {

struct TicketKey {
  static constexpr std::size_t kBytes = 80;
  std::array<unsigned char, 16> name;
  std::array<unsigned char, 32> cipher;  // AES-256-CBC
  std::array<unsigned char, 32> mac;     // HMAC-SHA-256
  TicketKey() = default;
  TicketKey(const TicketKey&) = default;
  TicketKey& operator=(const TicketKey&) = default;
  ~TicketKey() {
    base::cleanse(cipher.data(), cipher.size());
    base::cleanse(mac.data(), mac.size());
  }
  static TicketKey random();
  friend bool operator==(const TicketKey&, const TicketKey&) = default;
};

// The first seals new tickets; every one opens those it sealed.
using TicketKeys = std::vector<TicketKey>;

// A key a line, as `openssl rand -base64 80 | tr -d '\n'` makes it: 80 bytes in base64. Empty lines and lines that
// begin with '#' do not count. The error names the line.
base::Checked<TicketKeys> parse_ticket_keys(std::string_view text);

// The keys in use. Any thread; taken once per handshake that resumes or can be resumed.
class TicketKeyRing {
 public:
  // With a first key of its own.
  TicketKeyRing();
  std::shared_ptr<const TicketKeys> keys() const;
  void replace(TicketKeys keys);
  // A new key seals from now on; those before it open for kKept - 1 more rotations.
  void rotate();
  static constexpr std::size_t kKept = 3;

 private:
  mutable std::mutex mutex_;  // guards the pointer
  std::shared_ptr<const TicketKeys> keys_;
};

}  // namespace weir::tls
