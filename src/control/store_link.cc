#include "control/store_link.h"

#include <utility>

#include "net/reactor.h"

namespace weir::control {
namespace {

base::TimePoint after(base::Nanoseconds limit) { return net::Reactor::current().now() + limit; }

}  // namespace

net::Task<store::Result<store::Contents>> StoreLink::load(base::Nanoseconds limit) {
  store::Result<store::Contents> contents = co_await store_.load(after(limit));
  if (contents) {
    revision_ = contents->revision;
    is_behind_ = false;
  }
  co_return contents;
}

net::Task<store::Result<void>> StoreLink::commit(std::vector<store::Change> changes, base::Nanoseconds limit) {
  store::Commit commit{.based_on = revision_, .changes = std::move(changes)};
  store::Result<std::uint64_t> committed = co_await store_.commit(std::move(commit), after(limit));
  if (!committed) {
    using enum store::ErrorCode;
    is_behind_ = is_behind_ || committed.error().code == conflict || committed.error().code == uncertain;
    co_return std::unexpected(std::move(committed.error()));
  }
  revision_ = *committed;
  is_behind_ = false;
  co_return store::Result<void>();
}

net::Task<store::Result<void>> StoreLink::watch(base::Nanoseconds limit) {
  store::Result<std::uint64_t> found = co_await store_.watch(revision_, after(limit));
  if (!found) co_return std::unexpected(std::move(found.error()));
  is_behind_ = is_behind_ || *found > revision_;
  co_return store::Result<void>();
}

}  // namespace weir::control
