#include "front/worker_thread.h"

#include <functional>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include "gtest/gtest.h"

#include "net/listener.h"
#include "worker/snapshot.h"

namespace weir::front {
namespace {

TEST(WorkerThread, EndsWhileItGivesMemoryBack) {
  metrics::Registry registry(1);
  worker::Services services;
  services.registry = &registry;
  TlsMetrics tls(registry);
  std::vector<WorkerThread*> all;
  WorkerThread thread(0, services, tls, all);
  all = {&thread};
  // More frames than one step looks at, so that the work is not done at once.
  thread.worker().reactor.post([] {
    std::vector<void*> frames(20'000);
    for (void*& frame : frames) frame = base::allocate_frame(128);
    for (void* frame : frames) base::free_frame(frame, 128);
  });
  thread.give_back_memory();
  thread.start();
  thread.drain(std::chrono::seconds(10));
  thread.join();
}

bool comes_true(const std::function<bool()>& condition) {
  auto give_up = base::now() + std::chrono::seconds(10);
  while (!condition() && base::now() < give_up) std::this_thread::yield();
  return condition();
}

TEST(WorkerThread, KeepsWhatItAcceptsUntilTheOthersHaveTheListenerToo) {
  metrics::Registry registry(2);
  worker::Services services;
  services.registry = &registry;
  services.worker_count = 2;
  TlsMetrics tls(registry);
  std::vector<WorkerThread*> all;
  WorkerThread first(0, services, tls, all);
  WorkerThread second(1, services, tls, all);
  all = {&first, &second};
  for (WorkerThread* thread : all) {
    thread->apply(std::make_shared<const worker::Snapshot>());
    thread->start();
  }
  auto runtime = std::make_shared<worker::ListenerRuntime>(0, "web", registry);
  runtime->listening_workers = 2;
  int listening = *net::listen_tcp(*base::SocketAddress::parse("127.0.0.1:0"), {});
  sockaddr_storage address{};
  socklen_t length = net::local_address(listening).to(address);
  std::vector<int> clients;
  auto connect = [&] {
    clients.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::connect(clients.back(), reinterpret_cast<const sockaddr*>(&address), length), 0);
  };
  first.open_listener(runtime, {listening});
  for (std::uint32_t count = 1; count <= 4; ++count) {
    connect();
    EXPECT_TRUE(comes_true([&] { return first.open_connections() == count; }));
  }
  EXPECT_EQ(second.open_connections(), 0u);
  int accepting = ::dup(listening);
  second.open_listener(runtime, {accepting});
  EXPECT_TRUE(comes_true([&] { return runtime->adopting_workers == 2; }));
  connect();
  EXPECT_TRUE(comes_true([&] { return second.open_connections() == 1; }));
  for (int fd : clients) ::close(fd);
  EXPECT_TRUE(comes_true([&] { return runtime->open == 0; }));
  for (WorkerThread* thread : all) thread->drain(std::chrono::seconds(10));
  for (WorkerThread* thread : all) thread->join();
  EXPECT_EQ(runtime->adopting_workers, 0u);
}

}  // namespace
}  // namespace weir::front
