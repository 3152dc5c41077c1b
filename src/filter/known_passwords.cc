#include "filter/known_passwords.h"

#include <algorithm>

#include "persist/sticky_key.h"

namespace weir::filter {
namespace {

using namespace std::chrono_literals;

constexpr base::Nanoseconds kRightFor = 10min;
// Long enough that a program with a wrong password costs little, short enough that nobody waits for a mended file.
constexpr base::Nanoseconds kWrongFor = 5s;

}  // namespace

KnownPasswords::KnownPasswords(std::uint32_t workers)
    : code_(persist::StickyKey::random().bytes), tables_(std::max(workers, 1U)) {}

KnownPasswords::Tag KnownPasswords::tag(std::string_view name, std::string_view password, std::string_view hash) const {
  // Names have no colon, and neither have hashes.
  persist::HmacSha256::Code whole = code_({name, ":", hash, ":", password});
  Tag tag;
  std::ranges::copy_n(whole.begin(), tag.size(), tag.begin());
  return tag;
}

std::optional<bool> KnownPasswords::find(std::uint32_t worker, const Tag& tag, base::TimePoint now) const {
  const Table& table = tables_[worker];
  if (table.sets == nullptr) return std::nullopt;
  for (const Entry& entry : (*table.sets)[set_of(tag)]) {
    if (entry.tag == tag && entry.expires > now) return entry.is_right;
  }
  return std::nullopt;
}

void KnownPasswords::keep(std::uint32_t worker, const Tag& tag, bool is_right, base::TimePoint now) {
  Table& table = tables_[worker];
  if (table.sets == nullptr) table.sets = std::make_unique<std::array<std::array<Entry, 2>, kSets>>();
  std::array<Entry, 2>& set = (*table.sets)[set_of(tag)];
  auto same = std::ranges::find(set, tag, &Entry::tag);
  Entry& entry = same != set.end() ? *same : *std::ranges::min_element(set, {}, &Entry::expires);
  entry = {.tag = tag, .expires = now + (is_right ? kRightFor : kWrongFor), .is_right = is_right};
}

}  // namespace weir::filter
