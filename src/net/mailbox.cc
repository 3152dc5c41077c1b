#include "net/mailbox.h"

#include <new>

namespace weir::net {

Mailbox::~Mailbox() {
  Message* message = head_.exchange(nullptr, std::memory_order_acquire);
  while (message != nullptr) {
    std::unique_ptr<Message> owned(message);
    message = owned->next_;
  }
}

bool Mailbox::push(std::unique_ptr<Message> owned) {
  Message* message = owned.release();
  Message* head = head_.load(std::memory_order_relaxed);
  do {
    message->next_ = head;
  } while (!head_.compare_exchange_weak(head, message, std::memory_order_seq_cst, std::memory_order_relaxed));
  return head == nullptr;
}

void Mailbox::run_all() {
  Message* newest = head_.exchange(nullptr, std::memory_order_acquire);
  Message* oldest = nullptr;
  while (newest != nullptr) {
    Message* next = newest->next_;
    newest->next_ = oldest;
    oldest = newest;
    newest = next;
  }
  while (oldest != nullptr) {
    std::unique_ptr<Message> message(oldest);
    oldest = message->next_;
    try {
      message->run();
    } catch (const std::bad_alloc&) {
      // This message is lost; the others are not.
    }
  }
}

}  // namespace weir::net
