// A doubly linked list through its elements: no allocation, O(1) removal of any element.
#pragma once

#include <cstddef>

#include "base/assert.h"

namespace weir::base {

// The base class of an element. An element may be in several lists at once, which Tag tells apart.
template <typename Tag>
class ListHook {
 public:
  ListHook() = default;
  ListHook(const ListHook&) = delete;
  ListHook& operator=(const ListHook&) = delete;
  bool linked() const { return next_ != nullptr; }

 protected:
  ~ListHook() { WEIR_ASSERT(!linked()); }

 private:
  template <typename T, typename U>
  friend class IntrusiveList;
  ListHook* next_ = nullptr;
  ListHook* previous_ = nullptr;
};

// Does not own its elements; they must outlive their membership. Not thread-safe.
template <typename T, typename Tag = T>
class IntrusiveList {
 public:
  IntrusiveList() { ring_.next_ = ring_.previous_ = &ring_; }
  ~IntrusiveList() {
    WEIR_ASSERT(empty());
    ring_.next_ = ring_.previous_ = nullptr;
  }
  IntrusiveList(const IntrusiveList&) = delete;
  IntrusiveList& operator=(const IntrusiveList&) = delete;

  bool empty() const { return ring_.next_ == &ring_; }
  std::size_t size() const { return size_; }
  T* front() { return empty() ? nullptr : static_cast<T*>(ring_.next_); }
  T* back() { return empty() ? nullptr : static_cast<T*>(ring_.previous_); }
  void push_front(T& element) { insert_after(ring_, element); }
  void push_back(T& element) { insert_after(*ring_.previous_, element); }
  void remove(T& element) {
    Hook& hook = element;
    WEIR_ASSERT(hook.linked());
    hook.previous_->next_ = hook.next_;
    hook.next_->previous_ = hook.previous_;
    hook.next_ = hook.previous_ = nullptr;
    --size_;
  }
  T* pop_front() {
    T* element = front();
    if (element != nullptr) remove(*element);
    return element;
  }
  // Calls `visit` for each; `visit` may remove the element it is given, and no other.
  template <typename Visit>
  void for_each(Visit visit) {
    for (Hook* hook = ring_.next_; hook != &ring_;) {
      Hook* next = hook->next_;
      visit(*static_cast<T*>(hook));
      hook = next;
    }
  }

 private:
  using Hook = ListHook<Tag>;
  struct Ring final : Hook {};
  void insert_after(Hook& place, T& element) {
    Hook& hook = element;
    WEIR_ASSERT(!hook.linked());
    hook.previous_ = &place;
    hook.next_ = place.next_;
    place.next_->previous_ = &hook;
    place.next_ = &hook;
    ++size_;
  }
  Ring ring_;
  std::size_t size_ = 0;
};

}  // namespace weir::base
