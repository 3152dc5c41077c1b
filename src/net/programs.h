// Runs programs beside Weir, each with everything that it starts, and bounded in time and number.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <vector>

#include "base/error.h"
#include "net/task.h"
#include "net/wait.h"

namespace weir::net {

struct ProgramOptions {
  std::vector<std::string> command;      // an absolute path and arguments; not empty
  std::vector<std::string> environment;  // all of it: "NAME=value"
};

// How a program ended.
struct ProgramEnd {
  int exit_code = 0;       // where no signal ended it
  int signal = 0;          // that ended it; 0: it ended by itself
  bool timed_out = false;  // it was killed at its deadline
  std::string output{};    // the last kOutputBytes of what it wrote to its standard output and error
};

// A program runs in a session and process group of its own, with /dev/null as its input, no other descriptors of
// Weir's, and all signals as by default. Its group is killed (SIGKILL) when it has ended, at its deadline and when its
// chain of tasks is cancelled: nothing that stays in the group outlives the run. One reactor's thread; outlives its
// runs.
class Programs {
 public:
  static constexpr std::size_t kOutputBytes = 4096;

  // So many run at once; further ones wait for their turn, in the order in which they came.
  explicit Programs(std::size_t at_once = 16) : at_once_(at_once) {}
  ~Programs();
  Programs(const Programs&) = delete;
  Programs& operator=(const Programs&) = delete;

  // Errors: timeout when no turn came before the deadline, exhausted without processes, memory or descriptors,
  // cancelled, and the operating system's own (not_found, io, with os_error) when the program cannot be started.
  Task<base::Result<ProgramEnd>> run(ProgramOptions options, base::TimePoint deadline);

  std::size_t running() const { return running_; }
  std::size_t waiting() const { return turns_.size(); }

 private:
  struct Started {
    int pid = -1;
    int pid_fd = -1;
    int output = -1;
  };
  class Exit;
  class Turn;
  static base::Result<Started> start(const ProgramOptions& options);
  static Task<void> read_output(int fd, std::string& tail);
  Task<ProgramEnd> follow(Started started, base::TimePoint deadline);
  void keep_for_later(int pid_fd);
  void bury_left();

  std::size_t at_once_;
  std::size_t running_ = 0;
  std::deque<Waiter*> turns_;
  std::vector<int> left_;    // descriptors of killed programs that the kernel has not ended yet
  std::vector<int> groups_;  // whose orphans may be this process's to bury, when it is the first of a container
};

}  // namespace weir::net
