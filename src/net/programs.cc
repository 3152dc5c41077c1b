#include "net/programs.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <new>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

#include "net/inherited.h"
#include "net/reactor.h"
#include "net/task_group.h"
#include "net/tcp.h"

namespace weir::net {
namespace {

// A killed program that the kernel holds for longer (it waits for a disk or a file server) is buried later.
constexpr std::chrono::seconds kBurialPatience{2};
// One that writes more has to wait for nobody to read it, and meets its deadline.
constexpr std::size_t kMaxReadBytes = 1024 * 1024;
constexpr std::size_t kMaxGroups = 64;
// Longer than a thread is held up between asking whether descriptors are inherited and closing one.
constexpr std::chrono::milliseconds kToldWithin{50};

// Whether the process behind `pid_fd` has ended, and how; it is buried then.
bool has_ended(int pid_fd, siginfo_t& how) {
  how = {};
  return waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(pid_fd), &how, WEXITED | WNOHANG) == 0 &&
         how.si_pid != 0;
}

// The same without burying it: its number, and so its group's, stays its own.
bool is_over(int pid_fd) {
  siginfo_t how{};
  return waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(pid_fd), &how, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         how.si_pid != 0;
}

void bury_group(int group) {
  siginfo_t how{};
  while (waitid(P_PGID, static_cast<id_t>(group), &how, WEXITED | WNOHANG) == 0 && how.si_pid != 0) how = {};
}

std::vector<char*> pointers_to(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// Starts it with `output` as its standard output and error; an errno.
int spawn(const ProgramOptions& options, int output, pid_t& pid) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
  posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t signals;
  sigemptyset(&signals);
  posix_spawnattr_setsigmask(&attributes, &signals);
  sigfillset(&signals);
  posix_spawnattr_setsigdefault(&attributes, &signals);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  std::vector<char*> arguments = pointers_to(options.command);
  std::vector<char*> environment = pointers_to(options.environment);
  int error = posix_spawn(&pid, arguments[0], &actions, &attributes, arguments.data(), environment.data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  return error;
}

}  // namespace

// Waits until a program has ended. At its deadline, and when the chain is cancelled, its group is killed and the wait
// goes on: that is the end of it soon, and nobody else would bury it.
class Programs::Exit final : public Suspension<IoWaiter> {
 public:
  Exit(Descriptor& descriptor, int pid, base::TimePoint deadline)
      : descriptor_(descriptor), pid_(pid), deadline_(deadline) {}
  bool await_ready() const { return is_over(descriptor_.fd()); }
  template <typename Promise>
  bool await_suspend(std::coroutine_handle<Promise> handle) {
    if (!suspend(handle)) return kill_and_wait(), true;
    descriptor_.readable = false;
    descriptor_.wait_readable(*this, Reactor::current().tick(deadline_));
    return true;
  }
  // Whether it was killed at its deadline.
  bool await_resume() const { return timed_out_; }

  void on_ready() override {
    descriptor_.readable = false;
    if (is_over(descriptor_.fd())) stop();
  }
  void on_timeout() override {
    if (killed_) return stop();
    timed_out_ = true;
    kill_and_wait();
  }
  void cancel() override { kill_and_wait(); }

 private:
  void kill_and_wait() {
    killed_ = true;
    ::kill(-pid_, SIGKILL);
    descriptor_.wait_readable(*this, Reactor::current().tick(Reactor::current().now() + kBurialPatience));
  }
  void stop() {
    descriptor_.stop_waiting_readable();
    resume();
  }

  Descriptor& descriptor_;
  int pid_;
  base::TimePoint deadline_;
  bool killed_ = false;
  bool timed_out_ = false;
};

// Holds a turn, and gives it to the next one who waits.
class Programs::Turn {
 public:
  explicit Turn(Programs& programs) : programs_(programs) { ++programs_.running_; }
  ~Turn() {
    --programs_.running_;
    if (!programs_.turns_.empty()) {
      programs_.turns_.front()->wake();
      programs_.turns_.pop_front();
    }
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  Programs& programs_;
};

Programs::~Programs() {
  bury_left();
  for (int fd : left_) ::close(fd);
}

Task<base::Result<ProgramEnd>> Programs::run(ProgramOptions options, base::TimePoint deadline) {
  bury_left();
  // Every thread has to know before the first process has copies.
  if (!descriptors_are_inherited.exchange(true)) {
    base::Result<void> waited = co_await sleep_until(std::min(deadline, Reactor::current().now() + kToldWithin));
    if (!waited) co_return std::unexpected(waited.error());
  }
  // Again when somebody who came later took the turn meanwhile.
  while (running_ >= at_once_) {
    Waiter waiter;
    turns_.push_back(&waiter);
    base::Result<void> woken = co_await waiter.wait_until(deadline);
    if (!woken) {
      std::erase(turns_, &waiter);
      co_return std::unexpected(woken.error());
    }
  }
  Turn turn(*this);
  base::Result<Started> started = start(options);
  if (!started) co_return std::unexpected(started.error());
  co_return co_await follow(*started, deadline);
}

base::Result<Programs::Started> Programs::start(const ProgramOptions& options) {
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) return base::fail_errno(errno, "pipe");
  ::fcntl(pipe[0], F_SETFL, O_NONBLOCK);
  Started started{.output = pipe[0]};
  int error = spawn(options, pipe[1], started.pid);
  ::close(pipe[1]);
  if (error != 0) {
    ::close(pipe[0]);
    return base::fail_errno(error, "start");
  }
  started.pid_fd = static_cast<int>(::syscall(SYS_pidfd_open, started.pid, 0));
  if (started.pid_fd < 0) {
    error = errno;
    ::close(pipe[0]);
    ::kill(-started.pid, SIGKILL);
    // Nothing tells of its end: there is no descriptor left. A killed process ends within milliseconds.
    ::waitpid(started.pid, nullptr, 0);
    return base::fail_errno(error, "pidfd_open");
  }
  return started;
}

Task<ProgramEnd> Programs::follow(Started started, base::TimePoint deadline) {
  std::erase(groups_, started.pid);
  TcpStream process = TcpStream::adopt(started.pid_fd);
  ProgramEnd end;
  TaskGroup reading;
  try {
    reading.spawn(read_output(started.output, end.output));
  } catch (const std::bad_alloc&) {
    // It is followed all the same; nobody hears what it says.
    ::close(started.output);
  }
  end.timed_out = co_await Exit(process.descriptor(), started.pid, deadline);
  // Those that it has left behind. Its number is still its own: it is not buried yet.
  ::kill(-started.pid, SIGKILL);
  siginfo_t how{};
  bool is_buried = has_ended(started.pid_fd, how);
  if (is_buried && how.si_code == CLD_EXITED) end.exit_code = how.si_status;
  if (is_buried && how.si_code != CLD_EXITED) end.signal = how.si_status;
  if (!is_buried) {
    end.signal = SIGKILL;
    keep_for_later(process.release());
  }
  if (::getpid() == 1 && groups_.size() < kMaxGroups) groups_.push_back(started.pid);
  reading.cancel();
  co_await reading.join();
  co_return end;
}

// Reads until the end or until it is cancelled, and then what is there already; closes `fd`.
Task<void> Programs::read_output(int fd, std::string& tail) {
  TcpStream pipe = TcpStream::adopt(fd);
  std::array<char, 1024> bytes;
  std::size_t total = 0;
  bool is_cancelled = false;
  while (total < kMaxReadBytes) {
    ssize_t got = ::read(fd, bytes.data(), bytes.size());
    if (got < 0 && errno == EINTR) continue;
    if (got > 0) {
      total += static_cast<std::size_t>(got);
      tail.append(bytes.data(), static_cast<std::size_t>(got));
      if (tail.size() > kOutputBytes) tail.erase(0, tail.size() - kOutputBytes);
      if (!is_cancelled) co_await yield();
      continue;
    }
    if (got == 0 || errno != EAGAIN || is_cancelled) co_return;
    pipe.descriptor().readable = false;
    base::Result<void> ready = co_await pipe.wait_readable(base::TimePoint::max());
    is_cancelled = !ready;
  }
  // Nobody reads the rest.
  while (!is_cancelled) {
    pipe.descriptor().readable = false;
    base::Result<void> ready = co_await pipe.wait_readable(base::TimePoint::max());
    is_cancelled = !ready;
  }
}

void Programs::keep_for_later(int pid_fd) { left_.push_back(pid_fd); }

void Programs::bury_left() {
  std::erase_if(left_, [](int pid_fd) {
    siginfo_t how{};
    if (!has_ended(pid_fd, how)) return false;
    ::close(pid_fd);
    return true;
  });
  for (int group : std::exchange(groups_, {})) bury_group(group);
}

}  // namespace weir::net
