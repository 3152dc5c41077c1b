#include "proxy/worker.h"

#include "gtest/gtest.h"

namespace weir::proxy {
namespace {

TEST(Worker, EndsWhileItGivesMemoryBack) {
  metrics::Registry registry(1);
  Services services;
  services.registry = &registry;
  Worker worker(0, services);
  services.workers = {&worker};
  // More frames than one step looks at, so that the work is not done at once.
  worker.reactor.post([] {
    std::vector<void*> frames(20'000);
    for (void*& frame : frames) frame = base::allocate_frame(128);
    for (void* frame : frames) base::free_frame(frame, 128);
  });
  worker.give_back_memory();
  worker.start();
  worker.drain(std::chrono::seconds(10));
  worker.join();
}

}  // namespace
}  // namespace weir::proxy
