#include "net/task_group.h"

#include <vector>

namespace weir::net {

void TaskGroup::spawn(Task<void> task) {
  auto* entry = new Entry(*this);
  entry->next = &ring_;
  entry->previous = ring_.previous;
  ring_.previous->next = entry;
  ring_.previous = entry;
  ++size_;
  if (cancelled_) entry->cancel();
  auto root = task.release();
  root.promise().run_under(entry, nullptr);
  root.resume();
}

// Cancelling only schedules the resumption, so the ring does not change under the loop.
void TaskGroup::cancel() {
  if (cancelled_) return;
  cancelled_ = true;
  for (Link* link = ring_.next; link != &ring_; link = link->next) static_cast<Entry*>(link)->cancel();
}

void TaskGroup::Entry::on_finished(TaskContext* context, std::coroutine_handle<> root) {
  root.destroy();
  auto* entry = static_cast<Entry*>(context);
  entry->group.remove(*entry);
}

void TaskGroup::remove(Entry& entry) {
  entry.previous->next = entry.next;
  entry.next->previous = entry.previous;
  delete &entry;
  if (--size_ == 0 && joiner_ != nullptr) std::exchange(joiner_, nullptr)->resume_later();
}

}  // namespace weir::net
