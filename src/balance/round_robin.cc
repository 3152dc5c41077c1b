// Each backend in turn. One cursor for all workers, so the turns are exact over all of them.
#include "balance/cursor.h"

namespace weir::balance {
namespace {

class RoundRobin final : public Strategy {
 public:
  RoundRobin(const pool::BackendSet& backends, const Strategy* previous)
      : size_(static_cast<std::uint32_t>(backends.size())), cursor_(cursor_after<RoundRobin>(previous)) {}

  std::uint32_t pick(const PickContext& context) override {
    if (size_ == 0) return kNone;
    return take_turn(*cursor_, context, size_,
                     [this](std::uint64_t turn) { return static_cast<std::uint32_t>(turn % size_); });
  }

  const std::shared_ptr<Cursor>& cursor() const { return cursor_; }

 private:
  std::uint32_t size_;
  std::shared_ptr<Cursor> cursor_;
};

}  // namespace

std::unique_ptr<Strategy> make_round_robin(const config::Choice&, const pool::BackendSet& backends,
                                           const Strategy* previous) {
  return std::make_unique<RoundRobin>(backends, previous);
}

}  // namespace weir::balance
