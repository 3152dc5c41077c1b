// The access log: workers format into memory of their own, one thread writes it out in batches.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "access_log/format.h"
#include "access_log/ring.h"
#include "access_log/sink.h"
#include "base/error.h"
#include "metrics/registry.h"

namespace weir::access_log {

struct Options {
  std::string path = "stdout";           // stdout, stderr or a file (created with mode 0640, appended to)
  std::uint32_t workers = 1;             // threads that write lines
  std::size_t ring_bytes = 1024 * 1024;  // room for lines not yet written, per worker; a power of two, >= 4096
  std::chrono::milliseconds shutdown_limit{2000};  // how long destruction waits for a slow output
};

// Writing a line costs a worker no lock and no system call, save one wake-up of the writer for each quarter of a ring
// filled. The writer otherwise comes by every 100 ms. When the output is too slow, full or broken, lines are dropped
// and counted, with one line a minute in the error log; a worker never waits. The lines of one worker keep their order;
// those of different workers may stand up to 100 ms out of order.
//
// Destruction writes out what is there, for at most shutdown_limit, and ends the thread. The workers must have stopped
// writing by then.
class Log {
 public:
  // Opens the output and starts the writer. Errors: of opening the file.
  static base::Result<std::unique_ptr<Log>> open(Format format, Options options);
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  // For the thread with index `worker` only. Never blocks, never allocates in steady state.
  void write(std::uint32_t worker, const Record& record);

  // Any thread: opens the path again (log rotation; no effect on stdout and stderr). Returns at once. Lines written
  // before go to the old file; once a flush() called after this has returned, all further lines go to the new one. When
  // opening fails, the old file stays and the error log says so.
  void reopen();
  // Any thread but a worker's: waits until everything written before has reached the output or was dropped. False when
  // that takes longer than `limit`.
  bool flush(std::chrono::milliseconds limit = std::chrono::seconds(5));
  // Any thread but the workers', once they have stopped writing: begins what destruction does and returns at once.
  // Destruction waits for nothing once has_ended().
  void end();
  bool has_ended() const { return ended_.load(std::memory_order_acquire); }
  // Lines lost since the start, over all workers. Any thread.
  std::uint64_t dropped() const;

 private:
  // The means of one worker to write lines.
  struct alignas(64) Lane {
    explicit Lane(std::size_t ring_bytes) : ring(ring_bytes) {}
    Ring ring;
    DateText dates;
    std::string scratch;                    // for lines that do not fit in one piece of the ring
    std::atomic<std::uint64_t> dropped{0};  // written by the worker
  };
  enum class Drained : std::uint8_t { all, output_busy };

  Log(Format format, const Options& options, Sink sink, int wake_event);
  void write_in_parts(Lane& lane, const Record& record, std::size_t bound);
  void wake();

  // The writer's thread.
  void run();
  Drained write_out_all();
  Drained write_out(Ring& ring);
  void answer_flush(std::uint64_t asked);
  void sleep(Drained drained);
  void drop_rest();
  void report_lost();

  const Format format_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  const std::chrono::milliseconds shutdown_limit_;
  const int wake_event_;

  Sink sink_;                        // the writer's, as the next three
  base::Error last_error_{};         // of the output
  std::uint64_t lost_reported_ = 0;  // by report_lost()
  base::TimePoint next_report_{};
  std::atomic<std::uint64_t> lost_by_writer_{0};

  std::atomic<bool> reopen_asked_{false};
  std::atomic<bool> stopping_{false};
  std::atomic<bool> ended_{false};  // the writer's last word
  std::atomic<std::uint64_t> flush_asked_{0};
  std::mutex mutex_;  // guards flushed_
  std::condition_variable flushed_changed_;
  std::uint64_t flushed_ = 0;  // the latest flush_asked_ that was answered
  std::thread writer_;
};

}  // namespace weir::access_log
