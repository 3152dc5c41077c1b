// Workers whose threads do not start by themselves: the test does what was sent to them, when it wants.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <semaphore>
#include <utility>
#include <vector>

#include "front/worker_thread.h"
#include "metrics/registry.h"
#include "net/reactor.h"
#include "worker/services.h"

namespace weir::control {

class IdleWorkers {
 public:
  IdleWorkers() {
    services.registry = &registry;
    services.control = &control_;
    services.worker_count = kWorkers;
    for (std::uint32_t index = 0; index < kWorkers; ++index) {
      threads_.push_back(std::make_unique<front::WorkerThread>(index, services, tls_, all));
      all.push_back(threads_.back().get());
    }
  }
  ~IdleWorkers() {
    stop();
    for (front::WorkerThread* thread : all) {
      thread->worker().reactor.adopt_thread();
      thread->worker().let_go();
    }
    control_.adopt_thread();
    control_.run_once(base::now());
  }
  IdleWorkers(const IdleWorkers&) = delete;
  IdleWorkers& operator=(const IdleWorkers&) = delete;

  // Every worker reads its messages. Another reactor is the thread's afterwards.
  void run() {
    for (front::WorkerThread* thread : all) {
      thread->worker().reactor.adopt_thread();
      thread->worker().reactor.run_once(base::now());
    }
  }

  // The threads do it from now on.
  void start() {
    for (front::WorkerThread* thread : all) thread->start();
    is_started_ = true;
  }
  // The threads end.
  void stop() {
    if (!std::exchange(is_started_, false)) return;
    for (front::WorkerThread* thread : all) {
      thread->drain(base::Nanoseconds(0));
      thread->join();
    }
  }
  // On every started thread, behind all that was sent there before; returns when it is done.
  void do_on_threads(const std::function<void()>& work) {
    for (front::WorkerThread* thread : all) {
      std::binary_semaphore done(0);
      thread->worker().reactor.post([&] {
        work();
        done.release();
      });
      done.acquire();
    }
  }

 private:
  bool is_started_ = false;
  net::Reactor control_;

 public:
  metrics::Registry registry{3};
  worker::Services services;
  std::vector<front::WorkerThread*> all;

 private:
  static constexpr std::uint32_t kWorkers = 2;
  front::TlsMetrics tls_{registry};
  std::vector<std::unique_ptr<front::WorkerThread>> threads_;
};

}  // namespace weir::control
