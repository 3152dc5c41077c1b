#include "balance/maglev_table.h"

#include <algorithm>
#include <array>
#include <utility>

#include "balance/hash_key.h"
#include "balance/ring.h"
#include "balance/weights.h"

namespace weir::balance {
namespace {

constexpr std::uint32_t kNobody = UINT32_MAX;

bool is_prime(std::uint32_t number) {
  if (number < 4) return number > 1;
  if (number % 2 == 0) return false;
  for (std::uint32_t divisor = 3; std::uint64_t{divisor} * divisor <= number; divisor += 2) {
    if (number % divisor == 0) return false;
  }
  return true;
}

struct Walker {
  std::uint32_t position;
  std::uint32_t step;
  std::uint32_t index;
  std::uint32_t turns = 0;
  std::uint32_t following = kNobody;  // the walker whose turn is next in the same round
  double rounds_per_turn = 1;
};

class Filling {
 public:
  explicit Filling(std::uint32_t size) : table_(size), taken_(size / 64 + 1), left_(size) {}

  bool done() const { return left_ == 0; }
  void take_next_free(Walker& walker) {
    auto size = static_cast<std::uint32_t>(table_.size());
    std::uint32_t position = walker.position;
    while (taken_[position / 64] >> (position % 64) & 1) {
      position += walker.step;
      position -= position >= size ? size : 0;
    }
    taken_[position / 64] |= std::uint64_t{1} << (position % 64);
    table_[position] = walker.index;
    walker.position = position;
    --left_;
  }
  std::vector<std::uint32_t> result() && { return std::move(table_); }

 private:
  std::vector<std::uint32_t> table_;
  std::vector<std::uint64_t> taken_;  // one bit a slot: this is what stays in the cache while the table does not
  std::uint32_t left_;
};

std::vector<Walker> walkers(const pool::BackendSet& backends, std::uint32_t size) {
  std::vector<std::uint32_t> weights = reduced_weights(backends);
  std::uint32_t heaviest = *std::ranges::max_element(weights);
  std::vector<Walker> result;
  result.reserve(backends.size());
  for (auto [seed, index] : by_identity(backends)) {
    result.push_back({.position = static_cast<std::uint32_t>(rehash(seed, 0) % size),
                      .step = static_cast<std::uint32_t>(rehash(seed, 1) % (size - 1) + 1),
                      .index = index,
                      .rounds_per_turn = static_cast<double>(heaviest) / weights[index]});
  }
  return result;
}

// Equal weights: each in every round.
void fill_in_rounds(std::vector<Walker>& walkers, Filling& filling) {
  while (true) {
    for (Walker& walker : walkers) {
      if (filling.done()) return;
      filling.take_next_free(walker);
    }
  }
}

// The heaviest in every round, the others in as many as their weight says: turn k (from 0) of a walker in round
// (k + 1/2) * rounds_per_turn, its first one at once. A calendar of the rounds ahead finds whose turn it is.
void fill_by_calendar(std::vector<Walker>& walkers, Filling& filling) {
  struct Round {
    std::uint32_t first = kNobody;
    std::uint32_t last = kNobody;
  };
  double rarest = std::ranges::max_element(walkers, {}, &Walker::rounds_per_turn)->rounds_per_turn;
  std::vector<Round> calendar(static_cast<std::size_t>(rarest * 1.5) + 2);
  auto enter = [&](std::uint64_t round, std::uint32_t number) {
    Round& entry = calendar[round % calendar.size()];
    (entry.last == kNobody ? entry.first : walkers[entry.last].following) = number;
    entry.last = number;
    walkers[number].following = kNobody;
  };
  for (std::uint32_t number = 0; number < walkers.size(); ++number) enter(0, number);
  for (std::uint64_t round = 0;; ++round) {
    Round today = std::exchange(calendar[round % calendar.size()], Round{});
    for (std::uint32_t number = today.first; number != kNobody;) {
      if (filling.done()) return;
      Walker& walker = walkers[number];
      filling.take_next_free(walker);
      ++walker.turns;
      std::uint32_t following = walker.following;
      auto due = static_cast<std::uint64_t>((walker.turns + 0.5) * walker.rounds_per_turn);
      enter(std::max(due, round + 1), number);
      number = following;
    }
  }
}

}  // namespace

std::uint32_t default_maglev_size(std::size_t backends) {
  constexpr std::array<std::uint32_t, 5> kSizes{8'191, 65'537, 262'147, 1'000'003, kLargestMaglevTable};
  for (std::uint32_t size : kSizes) {
    if (size >= backends * 100) return size;
  }
  return kLargestMaglevTable;
}

std::uint32_t maglev_size_for(std::uint32_t wanted, std::size_t backends) {
  std::uint32_t size = std::max({wanted, static_cast<std::uint32_t>(backends), 3u});
  while (!is_prime(size)) ++size;
  return size;
}

std::vector<std::uint32_t> maglev_table(const pool::BackendSet& backends, std::uint32_t size) {
  if (backends.empty()) return {};
  std::vector<Walker> all = walkers(backends, size);
  Filling filling(size);
  bool equal = std::ranges::all_of(all, [](const Walker& walker) { return walker.rounds_per_turn == 1; });
  equal ? fill_in_rounds(all, filling) : fill_by_calendar(all, filling);
  return std::move(filling).result();
}

}  // namespace weir::balance
