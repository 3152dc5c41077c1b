#include "access_log/log.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/log.h"

namespace weir::access_log {
namespace {

constexpr std::chrono::milliseconds kRound{100};
constexpr std::chrono::minutes kReportEvery{1};

std::uint64_t count_lines(std::string_view text) { return static_cast<std::uint64_t>(std::ranges::count(text, '\n')); }

}  // namespace

base::Result<std::unique_ptr<Log>> Log::open(Format format, Options options) {
  auto sink = Sink::open(options.path);
  if (!sink) return std::unexpected(sink.error());
  int wake_event = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake_event < 0) return base::fail_errno(errno, "create the access log's event");
  std::unique_ptr<Log> log(new Log(std::move(format), options, std::move(*sink), wake_event));
  // Signals are for other threads; SIGPIPE of a closed pipe stays pending here and comes back as EPIPE.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  log->writer_ = std::thread([&running = *log] { running.run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return log;
}

Log::Log(Format format, const Options& options, Sink sink, int wake_event)
    : format_(std::move(format)),
      shutdown_limit_(options.shutdown_limit),
      wake_event_(wake_event),
      sink_(std::move(sink)) {
  for (std::uint32_t worker = 0; worker < options.workers; ++worker) {
    lanes_.push_back(std::make_unique<Lane>(options.ring_bytes));
  }
}

void Log::end() {
  stopping_.store(true, std::memory_order_release);
  wake();
}

Log::~Log() {
  end();
  if (writer_.joinable()) writer_.join();
  ::close(wake_event_);
}

void Log::write(std::uint32_t worker, const Record& record) {
  Lane& lane = *lanes_[worker];
  std::size_t bound = format_.bound(record);
  char* out = lane.ring.reserve(bound);
  if (out == nullptr) return write_in_parts(lane, record, bound);
  char* end = format_.write(out, record, lane.dates);
  if (lane.ring.commit(static_cast<std::size_t>(end - out))) wake();
}

void Log::write_in_parts(Lane& lane, const Record& record, std::size_t bound) {
  if (lane.scratch.size() < bound) lane.scratch.resize(bound);
  char* end = format_.write(lane.scratch.data(), record, lane.dates);
  std::string_view line(lane.scratch.data(), end);
  if (!lane.ring.put(line)) {
    metrics::add_to_cell(lane.dropped, 1);
    return;
  }
  if (lane.ring.commit(line.size())) wake();
}

void Log::wake() {
  std::uint64_t one = 1;
  // It fails only when the counter is full, and then the writer is awake.
  [[maybe_unused]] ssize_t written = ::write(wake_event_, &one, sizeof one);
}

void Log::reopen() {
  reopen_asked_.store(true, std::memory_order_release);
  wake();
}

bool Log::flush(std::chrono::milliseconds limit) {
  std::uint64_t mine = flush_asked_.fetch_add(1, std::memory_order_acq_rel) + 1;
  wake();
  std::unique_lock lock(mutex_);
  return flushed_changed_.wait_for(lock, limit, [&] { return flushed_ >= mine; });
}

std::uint64_t Log::dropped() const {
  std::uint64_t total = lost_by_writer_.load(std::memory_order_relaxed);
  for (const auto& lane : lanes_) total += lane->dropped.load(std::memory_order_relaxed);
  return total;
}

// ---- the writer -------------------------------------------------------------------------------------------------

void Log::run() {
  base::TimePoint give_up = base::TimePoint::max();
  for (;;) {
    // Questions are read before the rings, so that the answers cover all that was written before asking.
    bool stopping = stopping_.load(std::memory_order_acquire);
    bool reopening = reopen_asked_.load(std::memory_order_acquire);
    std::uint64_t flush_asked = flush_asked_.load(std::memory_order_acquire);
    if (stopping) give_up = std::min(give_up, base::now() + shutdown_limit_);
    Drained drained = write_out_all();
    if (drained == Drained::all && reopening) {
      reopen_asked_.store(false, std::memory_order_relaxed);
      if (auto reopened = sink_.reopen(); !reopened) {
        base::log_error("access log {}: {}", sink_.path(), base::cause(reopened.error()));
      }
    }
    if (drained == Drained::all) answer_flush(flush_asked);
    if (stopping && (drained == Drained::all || base::now() >= give_up)) break;
    report_lost();
    sleep(drained);
  }
  drop_rest();
  next_report_ = {};
  report_lost();
  ended_.store(true, std::memory_order_release);
}

Log::Drained Log::write_out_all() {
  auto drained = Drained::all;
  for (auto& lane : lanes_) {
    if (write_out(lane->ring) == Drained::output_busy) drained = Drained::output_busy;
  }
  return drained;
}

// Writes what the ring holds now; what comes meanwhile waits for the next round, so that no worker keeps the others
// waiting.
Log::Drained Log::write_out(Ring& ring) {
  std::uint64_t until = ring.published();
  for (std::string_view text = ring.readable(until); !text.empty(); text = ring.readable(until)) {
    auto written = sink_.write(text);
    if (!written) {
      last_error_ = written.error();
      metrics::add_to_cell(lost_by_writer_, count_lines(text));
      ring.consume(text.size());
    } else if (*written == 0) {
      return Drained::output_busy;
    } else {
      ring.consume(*written);
    }
  }
  return Drained::all;
}

void Log::answer_flush(std::uint64_t asked) {
  {
    std::lock_guard lock(mutex_);
    if (flushed_ == asked) return;
    flushed_ = asked;
  }
  flushed_changed_.notify_all();
}

void Log::sleep(Drained drained) {
  std::array<pollfd, 2> events{pollfd{.fd = wake_event_, .events = POLLIN, .revents = 0},
                               pollfd{.fd = sink_.fd(), .events = POLLOUT, .revents = 0}};
  ::poll(events.data(), drained == Drained::output_busy ? 2 : 1, kRound.count());
  std::uint64_t count;
  [[maybe_unused]] ssize_t got = ::read(wake_event_, &count, sizeof count);
}

void Log::drop_rest() {
  for (auto& lane : lanes_) {
    Ring& ring = lane->ring;
    std::uint64_t until = ring.published();
    for (std::string_view text = ring.readable(until); !text.empty(); text = ring.readable(until)) {
      metrics::add_to_cell(lost_by_writer_, count_lines(text));
      ring.consume(text.size());
    }
  }
}

void Log::report_lost() {
  std::uint64_t lost = dropped();
  if (lost == lost_reported_ || base::now() < next_report_) return;
  base::log_warning("access log {}: {} lines dropped: {}", sink_.path(), lost - lost_reported_,
                    last_error_.what[0] != '\0' ? base::cause(last_error_) : "the output is too slow");
  lost_reported_ = lost;
  last_error_ = {};
  next_report_ = base::now() + kReportEvery;
}

}  // namespace weir::access_log
