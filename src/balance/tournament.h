// Which of many backends is the least loaded, kept up to date by all workers at once.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>
#include <vector>

#include "balance/avoid.h"

namespace weir::balance {

// The first of `size` entries in an order that depends on live atomics. Order::before(a, b) reads them with
// memory_order_seq_cst and says whether a comes before b; it is never asked about an entry and itself.
//
// Up to kScanLimit entries are simply compared on demand. More of them form a tournament: a binary tree in one array
// (children of i are 2i and 2i+1, the entries follow the inner nodes) whose inner nodes hold the winner of the two
// below. A change of an entry calls update(), which replays the games on the way to the root. Each game is played
// from live values and recorded by compare-and-swap, twice if need be: when both fail, somebody else has read the
// values after our change and recorded his game (Jayanti, "f-arrays: implementation and applications", PODC 2002). So
// at rest the root is exactly the first, and under way nobody waits. A node also carries a version, so that a game
// read long ago is never recorded over a newer one.
//
// An entry may also change without update(): a request that began under an older snapshot ends on that snapshot's
// strategy. A change for the worse is noticed when the entry is picked. A change for the better could go unseen, so
// each pick calls heal(), which replays one game, all of them in turn from the leaves up: after at most 2 * size picks
// every change has been seen.
template <typename Order>
class Tournament {
 public:
  static constexpr std::uint32_t kScanLimit = 32;

  Tournament(std::uint32_t size, Order order) : order_(std::move(order)), size_(size) {
    if (size_ <= kScanLimit) return;
    nodes_ = std::vector<std::atomic<std::uint64_t>>(size_);
    for (std::uint32_t node = size_ - 1; node >= 1; --node) nodes_[node].store(play(node));
  }

  // The first entry that is not avoided, or the first of all when all are; kNone without entries.
  std::uint32_t first(const PickContext& context) const {
    if (nodes_.empty()) {
      std::uint32_t found = scan(context);
      return found == kNone ? scan({}) : found;
    }
    std::uint32_t winner = winner_of(nodes_[1].load());
    if (!is_avoided(context, winner)) return winner;
    std::uint32_t found = first_below(1, context);
    return found == kNone ? winner : found;
  }

  // Call after `entry` has changed.
  void update(std::uint32_t entry) {
    if (nodes_.empty()) return;
    // Orders the change, made with any memory order, before the games: see the argument in replay().
    std::atomic_thread_fence(std::memory_order_seq_cst);
    replay((size_ + entry) / 2, entry);
  }

  // Replays game number `turn` of the round over all of them.
  void heal(std::uint64_t turn) {
    if (nodes_.empty()) return;
    auto node = static_cast<std::uint32_t>(size_ - 1 - turn % (size_ - 1));
    std::uint64_t old = nodes_[node].load();
    std::uint32_t winner = play(node);
    if (winner != winner_of(old) && nodes_[node].compare_exchange_strong(old, successor(old, winner))) {
      replay(node / 2, kNone);
    }
  }

  const Order& order() const { return order_; }

 private:
  static std::uint32_t winner_of(std::uint64_t node) { return static_cast<std::uint32_t>(node); }
  static std::uint64_t successor(std::uint64_t old, std::uint32_t winner) { return ((old >> 32) + 1) << 32 | winner; }

  std::uint32_t winner_at(std::uint32_t node) const {
    return node >= size_ ? node - size_ : winner_of(nodes_[node].load());
  }
  std::uint32_t better(std::uint32_t a, std::uint32_t b) const { return order_.before(b, a) ? b : a; }
  std::uint32_t play(std::uint32_t node) const { return better(winner_at(2 * node), winner_at(2 * node + 1)); }

  // From `node` to the root. A game that ends as it did before, between others than `entry`, changes nothing above:
  // whoever made it end so replays the games above, if that is not done already.
  //
  // Why two failures are enough: if a rival R made the second one fail, R read this node after the write that made the
  // first one fail, so after our first read of it, which our fence (or successful earlier swap) puts after our change.
  // R's reads of the values follow his read of the node; all are sequentially consistent, so R saw our change.
  void replay(std::uint32_t node, std::uint32_t entry) {
    for (; node >= 1; node /= 2) {
      for (int attempt = 0; attempt < 2; ++attempt) {
        std::uint64_t old = nodes_[node].load();
        std::uint32_t winner = play(node);
        if (!nodes_[node].compare_exchange_strong(old, successor(old, winner))) continue;
        if (winner == winner_of(old) && winner != entry) return;
        break;
      }
    }
  }

  std::uint32_t scan(const PickContext& context) const {
    std::uint32_t best = kNone;
    for (std::uint32_t i = 0; i < size_; ++i) {
      if (is_avoided(context, i)) continue;
      best = best == kNone ? i : better(best, i);
    }
    return best;
  }

  // A winner that is allowed is the first of all below it, so only games that an avoided entry won are opened.
  std::uint32_t first_below(std::uint32_t node, const PickContext& context) const {
    std::uint32_t winner = winner_at(node);
    if (!is_avoided(context, winner)) return winner;
    if (node >= size_) return kNone;
    std::uint32_t left = first_below(2 * node, context);
    std::uint32_t right = first_below(2 * node + 1, context);
    if (left == kNone) return right;
    return right == kNone ? left : better(left, right);
  }

  Order order_;
  std::uint32_t size_;
  std::vector<std::atomic<std::uint64_t>> nodes_;  // version << 32 | winner; [0] is unused
};

}  // namespace weir::balance
