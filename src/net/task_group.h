// Owns tasks that run side by side: nothing runs detached.
#pragma once

#include "net/task.h"
#include "net/wait.h"

namespace weir::net {

// Reactor's thread only. Must be empty when destroyed: cancel() and join() first.
class TaskGroup {
 public:
  TaskGroup() { ring_.next = ring_.previous = &ring_; }
  ~TaskGroup() { WEIR_ASSERT(size_ == 0); }
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  // Starts `task` at once, on this stack, until it first suspends. Throws bad_alloc when it cannot; a task that lacks
  // memory later has ended. After cancel() it runs cancelled from the start.
  void spawn(Task<void> task);
  // Every wait of every task, now and later, ends with ErrorCode::cancelled.
  void cancel();
  std::size_t size() const { return size_; }

  // `co_await group.join();` waits until all tasks have ended. If the awaiting chain is itself cancelled, the group is
  // cancelled with it, and joined all the same. One joiner at a time.
  class Join final : public Suspension<Wait> {
   public:
    explicit Join(TaskGroup& group) : group_(group) {}
    bool await_ready() const { return group_.size_ == 0; }
    template <typename Promise>
    bool await_suspend(std::coroutine_handle<Promise> handle) {
      if (!suspend(handle)) group_.cancel();
      if (group_.size_ == 0) return false;
      group_.joiner_ = this;
      return true;
    }
    void await_resume() const {}
    void cancel() override { group_.cancel(); }

   private:
    friend class TaskGroup;
    TaskGroup& group_;
  };
  Join join() { return Join(*this); }

 private:
  struct Link {
    Link* next = nullptr;
    Link* previous = nullptr;
  };
  struct Entry final : TaskContext, Link {
    explicit Entry(TaskGroup& owner) : TaskContext(&Entry::on_finished), group(owner) {}
    static void* operator new(std::size_t bytes) { return base::allocate_frame(bytes); }
    static void operator delete(void* memory, std::size_t bytes) { base::free_frame(memory, bytes); }
    static void on_finished(TaskContext* context, std::coroutine_handle<> root);
    TaskGroup& group;
  };
  void remove(Entry& entry);

  Link ring_;
  std::size_t size_ = 0;
  bool cancelled_ = false;
  Join* joiner_ = nullptr;
};

}  // namespace weir::net
