// One thread's event loop: edge-triggered epoll, timers, and messages from other threads.
#pragma once

#include <atomic>
#include <coroutine>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/intrusive_list.h"
#include "net/mailbox.h"
#include "net/stream_filter.h"
#include "net/task.h"
#include "net/timer_wheel.h"

namespace weir::net {

class Descriptor;
class Reactor;

// Work for the end of a round of the reactor, once: what many events of the round have gathered (frames to be sent in
// one system call). Embedded in what does it; leave the list before destruction.
class RoundEndWork : public base::ListHook<RoundEndWork> {
 public:
  virtual void at_round_end() = 0;

 protected:
  ~RoundEndWork() = default;
};

// An operation that waits for a descriptor to become readable or writable.
class IoWaiter : public Wait {
 public:
  // The descriptor may be ready. Detach from it before resuming anybody.
  virtual void on_ready() = 0;
  virtual void on_timeout() = 0;

 protected:
  ~IoWaiter() = default;
};

// Waits for the first bytes of new work. When they are there, the work waits for its turn behind all that is under way
// (Reactor::begin_later).
class NewWork : public IoWaiter, public base::ListHook<NewWork> {
 public:
  virtual void begin() = 0;

 protected:
  ~NewWork() = default;
};

// A file descriptor registered once, edge-triggered, both directions. Owned by a stream or listener of the same thread;
// 88 bytes, from the free lists. One that the kernel cannot register (its user has no watches left, or no memory is) is
// looked at ten times a second instead, while somebody waits, until it can be.
class Descriptor final : public TimerNode {
 public:
  // Takes ownership of `fd`, which must be non-blocking, and registers it with the thread's reactor.
  static Descriptor* open(int fd);
  // The same for datagrams: only reading, level-triggered. The reader is told in every round in which there is
  // something, and need not empty the socket; nobody can wait to write.
  static Descriptor* open_for_datagrams(int fd);
  // Closes the file, after its filter has told the peer; anybody still waiting is a broken invariant.
  void close();
  // Unregisters without closing and gives the file away (to another thread, or another owner). Not with a filter: what
  // that knows belongs to this thread.
  int release();

  // Null for a plain stream. Setting another one, or none, destroys the present one without a word to the peer.
  StreamFilter* filter() const { return filter_; }
  void set_filter(std::unique_ptr<StreamFilter> filter) {
    delete filter_;
    filter_ = filter.release();
  }

  int fd() const { return fd_; }
  // May reading (writing) succeed without waiting? Cleared by whoever met EAGAIN.
  bool readable = false;
  bool writable = true;
  bool peer_finished = false;  // the peer has shut down its sending side, or worse: read until 0
  bool broken = false;         // reset or both sides closed

  // At most one waiter a direction. A deadline of kNever waits for ever. Deadlines cost nothing while they only move
  // later: the timer is moved when it fires.
  void wait_readable(IoWaiter& waiter, Tick deadline) { reader_ = &waiter, set_deadline(read_deadline_, deadline); }
  void wait_writable(IoWaiter& waiter, Tick deadline) { writer_ = &waiter, set_deadline(write_deadline_, deadline); }
  // Moves the deadline of whoever waits to read, if somebody does, to `deadline` when that is earlier.
  void hurry_reader(Tick deadline) {
    if (reader_ != nullptr && deadline < read_deadline_) set_deadline(read_deadline_, deadline);
  }
  void stop_waiting_readable() { reader_ = nullptr, read_deadline_ = kNever; }
  void stop_waiting_writable() { writer_ = nullptr, write_deadline_ = kNever; }
  bool is_waited_on() const { return reader_ != nullptr || writer_ != nullptr; }
  // The chain to cancel as soon as the connection breaks; null for none.
  void cancel_when_broken(TaskContext* context) { break_context_ = context; }

  void on_timer() override;

 private:
  friend class Reactor;
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() = default;
  static void* operator new(std::size_t bytes) { return base::allocate_frame(bytes); }
  static void operator delete(void* memory, std::size_t bytes) { base::free_frame(memory, bytes); }
  static Descriptor* open(int fd, bool edge_triggered);
  void on_events(std::uint32_t events);
  void set_deadline(Tick& which, Tick deadline);
  void try_to_register();
  void look_again();
  void retire();

  int fd_;
  bool registered_ = false;
  bool edge_triggered_ = true;
  IoWaiter* reader_ = nullptr;
  IoWaiter* writer_ = nullptr;
  Tick read_deadline_ = kNever;
  Tick write_deadline_ = kNever;
  TaskContext* break_context_ = nullptr;
  StreamFilter* filter_ = nullptr;  // owned
};

// Not copyable, not movable; created on any thread, run on one. Everything but post() and stop() is for that thread.
class Reactor {
 public:
  // Takes its time from `clock`, which outlives it; null: the steady clock.
  explicit Reactor(const base::Clock* clock = nullptr);
  ~Reactor();
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;

  // The reactor that the calling thread runs (or has adopted); asserts that there is one.
  static Reactor& current();
  // Makes this the calling thread's reactor before run(), so that descriptors can be opened.
  void adopt_thread();

  // Runs until stop(). Adopts the thread.
  void run();
  // One round: waits at most until `latest`, then handles what is there. For tests and for draining by hand.
  // Input goes before deadlines: a timer fires in the first round that asked the kernel for events after the timer's
  // time and got all there were, and its events before it. When this thread is late itself (the process was stopped,
  // had no processor), timers are late by as much, for as long: the time was not the peers'.
  void run_once(base::TimePoint latest);
  // Any thread.
  void stop();
  // Any thread: runs `call` on this reactor's thread, soon. Wakes it only if it sleeps.
  template <typename F>
  void post(F call) {
    send(std::make_unique<CallMessage<F>>(std::move(call)));
  }
  void send(std::unique_ptr<Message> message);

  // Time as of the last return from the kernel: one clock read per round, not per request.
  base::TimePoint now() const { return now_; }
  Tick tick(base::TimePoint when) const;
  TimerWheel& timers() { return timers_; }
  // Resumes `handle` in this round or the next one, after present events.
  void schedule(std::coroutine_handle<> handle) { ready_.push_back(handle); }
  // Begins `work` in this round or a later one: after the events of work that is under way, and only some in each
  // round, so that the state of few pieces of work at a time has to stay in the processor's caches.
  void begin_later(NewWork& work) { new_work_.push_back(work); }
  void forget(NewWork& work) {
    if (work.linked()) new_work_.remove(work);
  }
  // Frees descriptors that were closed; every round does. Call it on the thread before that ends.
  void bury_retired();
  // Runs `work` once, at the end of this round; work that is added meanwhile has its turn in the next round.
  void run_at_round_end(RoundEndWork& work) {
    if (!work.linked()) round_end_work_.push_back(work);
  }
  void forget(RoundEndWork& work) {
    if (work.linked()) round_end_work_.remove(work);
  }

 private:
  friend class Descriptor;
  base::TimePoint read_clock() const { return clock_ == nullptr ? base::now() : clock_->now(); }
  int sleep_milliseconds(base::TimePoint latest) const;
  void note_lateness(base::TimePoint expected);
  bool has_seen_all_input(int events);

  const base::Clock* clock_;
  int epoll_ = -1;
  int wake_event_ = -1;
  std::atomic<bool> sleeping_{false};
  std::atomic<bool> stopped_{false};
  base::TimePoint start_;
  base::TimePoint now_;
  TimerWheel timers_;
  base::Nanoseconds lateness_{0};  // by which timers are late, until that time
  base::TimePoint late_until_{};
  std::size_t watched_ = 0;          // descriptors that are registered
  std::size_t events_in_a_row_ = 0;  // in rounds that left some to the next one
  Mailbox mailbox_;
  std::vector<std::coroutine_handle<>> ready_;
  std::vector<std::coroutine_handle<>> resuming_;
  std::vector<Descriptor*> retired_;  // closed in this round: events of theirs may still be in the batch
  base::IntrusiveList<RoundEndWork> round_end_work_;
  base::IntrusiveList<NewWork> new_work_;
};

}  // namespace weir::net
