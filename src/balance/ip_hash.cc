// By the client address, without any state: the hash modulo the number of backends. With weights a backend counts as
// often as its weight says (hash modulo the sum of the weights), as in nginx. When the set changes nearly every client
// moves; consistent_hash and maglev are for those who mind.
#include <algorithm>
#include <numeric>
#include <vector>

#include "balance/avoid.h"
#include "balance/hash_key.h"
#include "balance/weights.h"

namespace weir::balance {
namespace {

class IpHash final : public Strategy {
 public:
  explicit IpHash(const pool::BackendSet& backends) : size_(static_cast<std::uint32_t>(backends.size())) {
    std::vector<std::uint32_t> weights = reduced_weights(backends);
    sum_ = sum_of(weights);
    if (sum_ == size_) return;
    ends_.resize(size_);
    std::inclusive_scan(weights.begin(), weights.end(), ends_.begin(), std::plus<>(), std::uint64_t{0});
  }

  std::uint32_t pick(const PickContext& context) override {
    if (size_ == 0) return kNone;
    return draw_allowed(context, size_, [&](std::uint64_t attempt) {
      std::uint64_t position = rehash(context.key_hash, attempt) % sum_;
      if (ends_.empty()) return static_cast<std::uint32_t>(position);
      return static_cast<std::uint32_t>(std::ranges::upper_bound(ends_, position) - ends_.begin());
    });
  }

  HashKeySource hash_key() const override { return {HashKeySource::Kind::client_address, {}}; }

 private:
  std::uint32_t size_;
  std::uint64_t sum_ = 0;
  std::vector<std::uint64_t> ends_;  // of each backend's share of [0, sum); empty when all weigh the same
};

}  // namespace

std::unique_ptr<Strategy> make_ip_hash(const config::Choice&, const pool::BackendSet& backends, const Strategy*) {
  return std::make_unique<IpHash>(backends);
}

}  // namespace weir::balance
