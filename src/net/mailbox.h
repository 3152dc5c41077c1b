// Messages from other threads to a reactor.
#pragma once

#include <atomic>
#include <memory>
#include <utility>

namespace weir::net {

class Message {
 public:
  virtual ~Message() = default;
  virtual void run() = 0;

 private:
  friend class Mailbox;
  Message* next_ = nullptr;
};

// Many senders, one receiver; first in, first out. Lock-free.
class Mailbox {
 public:
  ~Mailbox();
  // Any thread. True when the box was empty before, so the receiver may need to be woken.
  bool push(std::unique_ptr<Message> message);
  // Receiver only: runs everything that is there, in order.
  void run_all();
  bool empty() const { return head_.load(std::memory_order_seq_cst) == nullptr; }

 private:
  std::atomic<Message*> head_{nullptr};  // newest first
};

template <typename F>
class CallMessage final : public Message {
 public:
  explicit CallMessage(F call) : call_(std::move(call)) {}
  void run() override { call_(); }

 private:
  F call_;
};

}  // namespace weir::net
