#include "net/reactor.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <new>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/log.h"
#include "net/inherited.h"
#include "net/turn.h"

namespace weir::net {
namespace {

thread_local Reactor* thread_reactor = nullptr;
// The open descriptors of this thread, each with a place reserved in `retired_`.
thread_local std::size_t open_descriptors = 0;
constexpr std::size_t kEventsPerRound = 256;
// Pieces of new work that begin in a round. A request that has begun waits for its backend, so the next rounds finish
// some before more begin.
constexpr int kBegunPerRound = 32;
// So many coroutines are made ready without memory, whatever the round before was like.
constexpr std::size_t kReadyAtFirst = 1024;
constexpr std::uint32_t kStreamEvents = EPOLLIN | EPOLLOUT | EPOLLRDHUP;
constexpr Tick kLookAgainMs = 100;
// Less is what a busy thread or a loaded machine always costs.
constexpr auto kLateFrom = std::chrono::milliseconds(100);
constexpr auto kLatest = std::chrono::seconds(10);
constexpr auto kComplainEvery = std::chrono::seconds(60);

}  // namespace

Descriptor* Descriptor::open(int fd) { return open(fd, true); }

// Edge-triggered for writing, the kernel would wake us after every datagram that has left.
Descriptor* Descriptor::open_for_datagrams(int fd) { return open(fd, false); }

Descriptor* Descriptor::open(int fd, bool edge_triggered) {
  Descriptor* descriptor = nullptr;
  try {
    std::vector<Descriptor*>& retired = Reactor::current().retired_;
    std::size_t needed = retired.size() + open_descriptors + 1;
    if (retired.capacity() < needed) retired.reserve(2 * needed);
    descriptor = new Descriptor(fd);
  } catch (const std::bad_alloc&) {
    ::close(fd);
    throw;
  }
  ++open_descriptors;
  descriptor->edge_triggered_ = edge_triggered;
  descriptor->try_to_register();
  return descriptor;
}

// The kernel's limit of watched descriptors is shared by all programs of the same user, so reaching it is no error of
// this program.
void Descriptor::try_to_register() {
  epoll_event event{};
  event.events = edge_triggered_ ? kStreamEvents | EPOLLET : static_cast<std::uint32_t>(EPOLLIN);
  event.data.ptr = this;
  registered_ = epoll_ctl(Reactor::current().epoll_, EPOLL_CTL_ADD, fd_, &event) == 0;
  if (registered_) ++Reactor::current().watched_;
  if (registered_) return;
  int os_error = errno;
  WEIR_ASSERT(os_error != EBADF && os_error != EINVAL);
  static thread_local base::TimePoint next_complaint{};
  base::TimePoint now = Reactor::current().now();
  if (now < next_complaint) return;
  next_complaint = now + kComplainEvery;
  base::log_error("cannot watch a connection: {}; it is served slowly; raise fs.epoll.max_user_watches",
                  std::strerror(os_error));
}

void Descriptor::look_again() {
  try_to_register();
  pollfd state{.fd = fd_, .events = static_cast<short>(edge_triggered_ ? kStreamEvents : EPOLLIN), .revents = 0};
  // The bits are those of epoll.
  if (poll(&state, 1, 0) > 0) on_events(static_cast<std::uint32_t>(state.revents));
}

void Descriptor::close() {
  if (filter_ != nullptr) {
    if (!broken) filter_->finish_writing(*this);
    set_filter(nullptr);
  }
  // A copy in another process would keep it watched, for a descriptor that is no more.
  if (registered_ && descriptors_are_inherited.load(std::memory_order_relaxed)) {
    epoll_ctl(Reactor::current().epoll_, EPOLL_CTL_DEL, fd_, nullptr);
  }
  ::close(fd_);
  retire();
}

int Descriptor::release() {
  WEIR_ASSERT(filter_ == nullptr);
  int fd = fd_;
  epoll_ctl(Reactor::current().epoll_, EPOLL_CTL_DEL, fd, nullptr);
  retire();
  return fd;
}

void Descriptor::retire() {
  WEIR_ASSERT(!is_waited_on());
  fd_ = -1;
  break_context_ = nullptr;
  Reactor& reactor = Reactor::current();
  if (registered_) --reactor.watched_;
  reactor.timers_.disarm(*this);
  if (open_descriptors > 0) --open_descriptors;
  reactor.retired_.push_back(this);  // in the place kept for it
}

void Descriptor::set_deadline(Tick& which, Tick deadline) {
  which = deadline;
  Reactor& reactor = Reactor::current();
  if (!registered_) deadline = std::min(deadline, reactor.tick(reactor.now()) + kLookAgainMs);
  if (deadline != kNever && (!armed() || expires() > deadline)) reactor.timers_.arm(*this, deadline);
}

void Descriptor::on_timer() {
  Reactor& reactor = Reactor::current();
  Tick now = reactor.timers_.now();
  if (!registered_) look_again();
  if (fd_ < 0) return;
  if (read_deadline_ <= now) reader_->on_timeout();
  if (fd_ < 0) return;
  if (write_deadline_ <= now) writer_->on_timeout();
  if (fd_ < 0) return;
  Tick next = std::min(read_deadline_, write_deadline_);
  if (!registered_ && is_waited_on()) next = std::min(next, now + kLookAgainMs);
  if (next != kNever && !armed()) reactor.timers_.arm(*this, next);
}

void Descriptor::on_events(std::uint32_t events) {
  if (fd_ < 0) return;
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) readable = true;
  if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) writable = true;
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) peer_finished = true;
  if ((events & (EPOLLHUP | EPOLLERR)) != 0) broken = true;
  if (readable && reader_ != nullptr) reader_->on_ready();
  if (fd_ >= 0 && writable && writer_ != nullptr) writer_->on_ready();
  if (fd_ >= 0 && broken && break_context_ != nullptr) break_context_->cancel();
}

Reactor::Reactor(const base::Clock* clock) : clock_(clock), start_(read_clock()), now_(start_) {
  ready_.reserve(kReadyAtFirst);
  resuming_.reserve(kReadyAtFirst);
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  wake_event_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  WEIR_ASSERT(epoll_ >= 0 && wake_event_ >= 0);
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  event.data.ptr = nullptr;
  WEIR_ASSERT(epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_event_, &event) == 0);
}

Reactor::~Reactor() {
  bury_retired();
  ::close(wake_event_);
  ::close(epoll_);
  if (thread_reactor == this) thread_reactor = nullptr;
}

Reactor& Reactor::current() {
  WEIR_ASSERT(thread_reactor != nullptr);
  return *thread_reactor;
}

void Reactor::adopt_thread() { thread_reactor = this; }

Tick Reactor::tick(base::TimePoint when) const {
  if (when == base::TimePoint::max()) return kNever;
  auto since = std::chrono::ceil<std::chrono::milliseconds>(when - start_).count();
  return since < 0 ? 0 : static_cast<Tick>(since);
}

void Reactor::send(std::unique_ptr<Message> message) {
  mailbox_.push(std::move(message));
  if (sleeping_.exchange(false)) {
    std::uint64_t one = 1;
    [[maybe_unused]] ssize_t written = write(wake_event_, &one, sizeof one);
  }
}

void Reactor::stop() {
  post([this] { stopped_.store(true, std::memory_order_relaxed); });
}

void Reactor::run() {
  adopt_thread();
  now_ = read_clock();
  while (!stopped_.load(std::memory_order_relaxed)) run_once(base::TimePoint::max());
}

int Reactor::sleep_milliseconds(base::TimePoint latest) const {
  if (!ready_.empty() || !mailbox_.empty() || !round_end_work_.empty() || !new_work_.empty()) return 0;
  base::TimePoint until = latest;
  if (Tick next = timers_.next_expiry(); next != kNever) {
    base::TimePoint due = start_ + std::chrono::milliseconds(next);
    until = std::min(until, std::max(due, std::min(due + lateness_, late_until_)));
  }
  if (until == base::TimePoint::max()) return -1;
  auto left = std::chrono::ceil<std::chrono::milliseconds>(until - now_);
  return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 3'600'000));
}

// A waiter that lacks memory for its event is left as it is; all others go on.
template <typename Call>
void sparing_others(Call call) {
  try {
    call();
  } catch (const std::bad_alloc&) {
  }
}

// A thread that sleeps until `expected` and is woken later was not given the processor.
void Reactor::note_lateness(base::TimePoint expected) {
  if (now_ >= late_until_) lateness_ = {};
  base::Nanoseconds late = std::min<base::Nanoseconds>(now_ - expected, kLatest);
  if (late < kLateFrom) return;
  lateness_ = std::max(lateness_, late);
  late_until_ = std::max(late_until_, now_ + late);
}

// Whether what was there when this round asked the kernel has been handled: everything was there at once, or the
// kernel, which tells of each descriptor in its turn, has been asked often enough to have told of all of them.
bool Reactor::has_seen_all_input(int events) {
  if (events < 0) return false;
  if (static_cast<std::size_t>(events) == kEventsPerRound) {
    events_in_a_row_ += kEventsPerRound;
    if (events_in_a_row_ <= watched_) return false;
  }
  events_in_a_row_ = 0;
  return true;
}

void Reactor::run_once(base::TimePoint latest) {
  std::array<epoll_event, kEventsPerRound> events;
  base::TimePoint asked = now_;
  sleeping_.store(true);
  int patience = sleep_milliseconds(latest);
  int count = epoll_wait(epoll_, events.data(), kEventsPerRound, patience);
  sleeping_.store(false);
  WEIR_ASSERT(count >= 0 || errno == EINTR);
  now_ = read_clock();
  if (patience >= 0) note_lateness(asked + std::chrono::milliseconds(patience));

  // Messages first: what was sent before an event should take effect before it.
  Turn::begin();
  if (!mailbox_.empty()) mailbox_.run_all();
  for (int i = 0; i < count; ++i) {
    if (events[i].data.ptr == nullptr) {
      std::uint64_t ignored;
      [[maybe_unused]] ssize_t got = read(wake_event_, &ignored, sizeof ignored);
      continue;
    }
    Turn::begin();
    sparing_others([&] { static_cast<Descriptor*>(events[i].data.ptr)->on_events(events[i].events); });
  }
  if (has_seen_all_input(count)) {
    Turn::begin();
    auto passed = std::chrono::floor<std::chrono::milliseconds>(asked - lateness_ - start_).count();
    timers_.advance(static_cast<Tick>(std::max<std::int64_t>(passed, 0)));
  }
  resuming_.swap(ready_);
  for (std::coroutine_handle<> handle : resuming_) {
    Turn::begin();
    handle.resume();
  }
  resuming_.clear();
  for (int left = kBegunPerRound; left > 0 && !new_work_.empty(); --left) {
    Turn::begin();
    sparing_others([&] { new_work_.pop_front()->begin(); });
  }
  for (std::size_t left = round_end_work_.size(); left > 0 && !round_end_work_.empty(); --left) {
    Turn::begin();
    sparing_others([&] { round_end_work_.pop_front()->at_round_end(); });
  }
  bury_retired();
}

void Reactor::bury_retired() {
  for (Descriptor* descriptor : retired_) delete descriptor;
  retired_.clear();
}

}  // namespace weir::net
