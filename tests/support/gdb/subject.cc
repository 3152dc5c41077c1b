// A program with values and suspended tasks in it, for the test of the gdb printers (gdb_test.py).
#include <cstdio>
#include <string>
#include <utility>

#include "base/arena.h"
#include "base/error.h"
#include "base/free_list.h"
#include "base/intrusive_list.h"
#include "net/reactor.h"
#include "net/task.h"
#include "net/task_group.h"
#include "net/wait.h"

using namespace weir;

struct Element : base::ListHook<Element> {
  explicit Element(int its_number) : number(its_number) {}
  int number;
};

// The test stops here.
[[gnu::noinline]] void look() { std::puts("looked"); }
[[gnu::noinline]] void look_from_a_coroutine() { std::puts("looked again"); }

net::Task<base::Result<int>> read_request(int length) {
  base::Result<void> slept = co_await net::sleep_for(std::chrono::hours(1));
  if (!slept) co_return std::unexpected(slept.error());
  co_return length;
}

net::Task<void> session(int number) {
  int length = number * 100;
  base::Result<int> request = co_await read_request(length);
  if (request) std::puts("never");
}

net::Task<void> wait_for(net::Waiter& waiter) {
  base::Result<void> woken = co_await waiter.wait_until(base::TimePoint::max());
  if (!woken) look_from_a_coroutine();
}

net::Task<void> own(net::Waiter& waiter) { co_await wait_for(waiter); }

int main() {
  net::Reactor reactor;
  reactor.adopt_thread();
  base::Result<int> good = 42;
  base::Result<void> done;
  base::Result<std::string> bad = std::unexpected(
      base::Error{.code = base::ErrorCode::refused, .side = base::Side::backend, .os_error = 111, .what = "connect"});
  base::Arena arena;
  arena.copy("five!");
  base::Buffer buffer = base::Buffer::small();
  Element one(1), two(2);
  base::IntrusiveList<Element> list, empty;
  list.push_back(one);
  list.push_back(two);
  net::Waiter waiter;
  net::TaskGroup group;
  group.spawn(session(7));
  group.spawn(own(waiter));
  net::Task<void> unstarted = session(8);
  look();
  list.remove(one);
  list.remove(two);
  group.cancel();
  while (group.size() > 0) reactor.run_once(reactor.now());
  return good && done && !bad && buffer && list.empty() && empty.empty() ? 0 : 1;
}
