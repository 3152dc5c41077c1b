// From text to number: the hash table behind hosts and paths.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"

namespace weir::route {

// Open addressing with linear probing, at most half full. Filled once, then only read, by any thread. Clients choose
// what is looked up but never what is stored, so a probe is as long as the configuration makes it: no keyed hash
// needed. A key is a text in a scope; scopes keep apart what would clash (the paths of two hosts).
class TextIndex {
 public:
  static constexpr std::uint32_t kNone = UINT32_MAX;

  // The value stored for the key, or kNone.
  std::uint32_t find(std::uint32_t scope, std::string_view text) const {
    if (slots_.empty()) return kNone;
    const std::uint64_t hash = base::hash_text(text, scope);
    for (std::size_t at = hash & mask_;; at = (at + 1) & mask_) {
      const Slot& slot = slots_[at];
      if (slot.value == kNone) return kNone;
      if (slot.hash == hash && slot.scope == scope && text_of(slot) == text) return slot.value;
    }
  }
  bool empty() const { return used_ == 0; }

  // Stores `value` (not kNone) unless the key is there. Returns what is stored now.
  std::uint32_t insert(std::uint32_t scope, std::string_view text, std::uint32_t value) {
    if (std::uint32_t known = find(scope, text); known != kNone) return known;
    if (2 * (used_ + 1) > slots_.size()) grow();
    Slot slot{.hash = base::hash_text(text, scope),
              .text_at = static_cast<std::uint32_t>(texts_.size()),
              .text_bytes = static_cast<std::uint32_t>(text.size()),
              .scope = scope,
              .value = value};
    texts_ += text;
    place(slot);
    ++used_;
    return value;
  }

 private:
  struct Slot {
    std::uint64_t hash = 0;
    std::uint32_t text_at = 0;
    std::uint32_t text_bytes = 0;
    std::uint32_t scope = 0;
    std::uint32_t value = kNone;
  };

  std::string_view text_of(const Slot& slot) const { return {texts_.data() + slot.text_at, slot.text_bytes}; }
  void place(const Slot& slot) {
    std::size_t at = slot.hash & mask_;
    while (slots_[at].value != kNone) at = (at + 1) & mask_;
    slots_[at] = slot;
  }
  void grow() {
    std::vector<Slot> old(slots_.empty() ? 8 : 2 * slots_.size());
    mask_ = old.size() - 1;
    old.swap(slots_);
    for (const Slot& slot : old) {
      if (slot.value != kNone) place(slot);
    }
  }

  std::vector<Slot> slots_;
  std::size_t mask_ = 0;
  std::size_t used_ = 0;
  std::string texts_;
};

}  // namespace weir::route
