// By a key in a Maglev table: shares even to about one percent, one look-up a pick, few keys moved by a change.
#include <array>
#include <vector>

#include "balance/avoid.h"
#include "balance/hash_key.h"
#include "balance/maglev_table.h"

namespace weir::balance {
namespace {

const std::array<config::OptionSpec, 2>& option_specs() {
  static const std::array<config::OptionSpec, 2> kOptions{
      hash_key_option(),
      config::OptionSpec{
          .key = "table_size",
          .type = config::OptionType::integer,
          .default_value = std::int64_t{0},
          .min = 0,
          .max = kLargestMaglevTable,
          .summary = "slots of the table, raised to a prime; 0: at least 100 per backend, by the size of the pool"}};
  return kOptions;
}

class Maglev final : public Strategy {
 public:
  Maglev(const config::Choice& choice, const pool::BackendSet& backends)
      : key_(hash_key_of(choice)), size_(static_cast<std::uint32_t>(backends.size())) {
    auto wanted = static_cast<std::uint32_t>(option_or_default<std::int64_t>(choice, option_specs()[1]));
    if (wanted == 0) wanted = default_maglev_size(size_);
    table_ = maglev_table(backends, maglev_size_for(wanted, size_));
  }

  std::uint32_t pick(const PickContext& context) override {
    if (size_ == 0) return kNone;
    return draw_allowed(context, size_, [&](std::uint64_t attempt) {
      return table_[scale(rehash(context.key_hash, attempt), table_.size())];
    });
  }
  HashKeySource hash_key() const override { return key_; }

 private:
  HashKeySource key_;
  std::uint32_t size_;
  std::vector<std::uint32_t> table_;
};

}  // namespace

std::span<const config::OptionSpec> maglev_options() { return option_specs(); }

std::unique_ptr<Strategy> make_maglev(const config::Choice& choice, const pool::BackendSet& backends, const Strategy*) {
  return std::make_unique<Maglev>(choice, backends);
}

}  // namespace weir::balance
