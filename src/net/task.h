// Task<T>: a lazily started coroutine that is awaited once. Frames come from the thread's free lists.
#pragma once

#include <coroutine>
#include <cstddef>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>

#include "base/assert.h"
#include "base/free_list.h"

namespace weir::net {

// A suspended leaf operation (I/O, timer, queue): what a cancellation interrupts.
class Wait {
 public:
  // Ends the wait with ErrorCode::cancelled. The coroutine is resumed later by its reactor, never inside this call.
  virtual void cancel() = 0;

 protected:
  ~Wait() = default;
};

// Shared by the chain of tasks under one root: at any moment at most one of them waits.
class TaskContext {
 public:
  // Every present and future wait of this chain ends with ErrorCode::cancelled. Reactor's thread only.
  void cancel() {
    cancelled_ = true;
    if (waiting_ != nullptr) std::exchange(waiting_, nullptr)->cancel();
  }
  bool cancelled() const { return cancelled_; }
  // For leaf operations: called when the chain suspends on `wait`, and before it is resumed.
  void begin_wait(Wait* wait) { waiting_ = wait; }
  void end_wait() { waiting_ = nullptr; }

 protected:
  using Finished = void (*)(TaskContext*, std::coroutine_handle<>);
  explicit TaskContext(Finished finished) : finished_(finished) {}
  ~TaskContext() = default;

 private:
  friend class PromiseCore;
  Wait* waiting_ = nullptr;
  Finished finished_;  // called when the root task of the chain has ended; destroys its frame
  bool cancelled_ = false;
};

class PromiseCore {
 public:
  static void* operator new(std::size_t bytes) { return base::allocate_frame(bytes); }
  static void operator delete(void* frame, std::size_t bytes) { base::free_frame(frame, bytes); }

  std::suspend_always initial_suspend() noexcept { return {}; }
  struct Final {
    bool await_ready() noexcept { return false; }
    template <typename Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> ended) noexcept {
      PromiseCore& promise = ended.promise();
      if (promise.continuation_) return promise.continuation_;
      promise.context_->finished_(promise.context_, ended);
      return std::noop_coroutine();
    }
    void await_resume() noexcept {}
  };
  Final final_suspend() noexcept { return {}; }
  // The data path does not throw. Memory that cannot be had ends the chain: the task that failed throws bad_alloc to
  // the one that awaits it, and so on up to the root, whose group goes on without it. Anything else is a broken
  // invariant.
  void unhandled_exception() noexcept {
    try {
      throw;
    } catch (const std::bad_alloc&) {
      if (continuation_) context_ = nullptr;
    }
  }
  void throw_if_failed() const {
    if (context_ == nullptr) [[unlikely]]
      throw std::bad_alloc();
  }

  TaskContext* context() const { return context_; }
  void run_under(TaskContext* context, std::coroutine_handle<> continuation) {
    context_ = context;
    continuation_ = continuation;
  }

 private:
  std::coroutine_handle<> continuation_;
  TaskContext* context_ = nullptr;
};

// Owns its coroutine until it has ended. Awaited exactly once, or handed to a TaskGroup.
template <typename T>
class [[nodiscard]] Task {
 public:
  class promise_type : public PromiseCore {
   public:
    Task get_return_object() { return Task(std::coroutine_handle<promise_type>::from_promise(*this)); }
    template <typename U = T>
    void return_value(U&& value) {
      value_.emplace(std::forward<U>(value));
    }
    T take() { return std::move(*value_); }

   private:
    std::optional<T> value_;
  };

  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task&&) = delete;
  ~Task() {
    if (handle_) handle_.destroy();
  }

  bool await_ready() const noexcept { return false; }
  template <typename Promise>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> parent) noexcept {
    handle_.promise().run_under(parent.promise().context(), parent);
    return handle_;
  }
  T await_resume() {
    handle_.promise().throw_if_failed();
    return handle_.promise().take();
  }

 private:
  explicit Task(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  std::coroutine_handle<promise_type> handle_;
};

template <>
class [[nodiscard]] Task<void> {
 public:
  class promise_type : public PromiseCore {
   public:
    Task get_return_object() { return Task(std::coroutine_handle<promise_type>::from_promise(*this)); }
    void return_void() noexcept {}
  };

  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task&&) = delete;
  ~Task() {
    if (handle_) handle_.destroy();
  }

  bool await_ready() const noexcept { return false; }
  template <typename Promise>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> parent) noexcept {
    handle_.promise().run_under(parent.promise().context(), parent);
    return handle_;
  }
  void await_resume() { handle_.promise().throw_if_failed(); }

 private:
  friend class TaskGroup;
  explicit Task(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  std::coroutine_handle<promise_type> release() { return std::exchange(handle_, nullptr); }
  std::coroutine_handle<promise_type> handle_;
};

// `TaskContext& context = co_await this_context();` never suspends.
struct this_context {
  TaskContext* context = nullptr;
  bool await_ready() const noexcept { return false; }
  template <typename Promise>
  bool await_suspend(std::coroutine_handle<Promise> self) noexcept {
    context = self.promise().context();
    return false;
  }
  TaskContext& await_resume() const noexcept { return *context; }
};

}  // namespace weir::net
