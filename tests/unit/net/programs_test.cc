#include "net/programs.h"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sys/wait.h>
#include <unistd.h>

#include "gtest/gtest.h"

#include "net/inherited.h"
#include "net/task_group.h"

namespace weir::net {
namespace {

using namespace std::chrono_literals;
using Ended = base::Result<ProgramEnd>;

Task<void> run_into(Programs& programs, ProgramOptions options, base::TimePoint deadline, std::optional<Ended>& ended) {
  ended = co_await programs.run(std::move(options), deadline);
}

class ProgramsTest : public testing::Test {
 protected:
  ProgramsTest() {
    reactor_.adopt_thread();
    descriptors_are_inherited = true;  // the first run of a process waits until all threads know
  }
  // No child is left, not even a dead one.
  ~ProgramsTest() override {
    EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
    EXPECT_EQ(errno, ECHILD);
  }
  static ProgramOptions shell(std::string script) {
    return {.command = {"/bin/sh", "-c", std::move(script)}, .environment = {"PATH=/usr/bin:/bin", "WORD=a b"}};
  }
  Ended run(ProgramOptions options, base::Nanoseconds timeout = 20s) {
    std::optional<Ended> ended;
    reactor_.run_once(base::now());
    group_.spawn(run_into(programs_, std::move(options), base::now() + timeout, ended));
    while (!ended) reactor_.run_once(base::TimePoint::max());
    return *ended;
  }
  // Waits for a process to be gone, which is the kernel's to say.
  static bool is_gone(int pid) {
    for (int i = 0; i < 2000; ++i) {
      std::ifstream state("/proc/" + std::to_string(pid) + "/stat");
      std::string number, name, letter;
      if (!(state >> number >> name >> letter) || letter == "Z") return true;
      ::usleep(1000);
    }
    return false;
  }

  Reactor reactor_;
  TaskGroup group_;
  Programs programs_{2};
};

TEST_F(ProgramsTest, SayHowAProgramEnded) {
  Ended good = run(shell("echo \"$WORD\"; echo more >&2"));
  ASSERT_TRUE(good);
  EXPECT_EQ(good->exit_code, 0);
  EXPECT_EQ(good->output, "a b\nmore\n");
  EXPECT_EQ(run(shell("exit 3"))->exit_code, 3);
  Ended killed = run(shell("kill -SEGV $$"));
  EXPECT_EQ(killed->signal, SIGSEGV);
  EXPECT_FALSE(killed->timed_out);
}

TEST_F(ProgramsTest, KeepTheEndOfALongOutput) {
  Ended end = run(shell("i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done"));
  EXPECT_EQ(end->output.size(), Programs::kOutputBytes);
  EXPECT_TRUE(end->output.ends_with("line 2999\n"));
}

TEST_F(ProgramsTest, InheritNothingOfWeirs) {
  int held = ::dup(STDOUT_FILENO);  // without FD_CLOEXEC
  signal(SIGPIPE, SIG_IGN);
  // Of ignored signals the last digits: those of the C library itself are above them.
  Ended end =
      run(shell("ls /proc/$$/fd; readlink /proc/$$/fd/0; "
                // By the shell itself: while it begins another program, it blocks signals.
                "while read -r name value; do case $name in SigBlk:) echo $value ;; "
                "SigIgn:) echo ${value#?????????} ;; esac; done </proc/$$/status; "
                "test $(ps -o sid= -p $$) = $$ && echo own session"));
  EXPECT_EQ(end->output, "0\n1\n2\n/dev/null\n0000000000000000\n0000000\nown session\n");
  ::close(held);
  signal(SIGPIPE, SIG_DFL);
}

TEST_F(ProgramsTest, KillTheWholeGroupAtTheDeadline) {
  Ended end = run(shell("sleep 1000 & echo $!; wait"), 200ms);
  ASSERT_TRUE(end);
  EXPECT_TRUE(end->timed_out);
  EXPECT_EQ(end->signal, SIGKILL);
  EXPECT_TRUE(is_gone(std::stoi(end->output))) << end->output;
}

TEST_F(ProgramsTest, KillWhatIsLeftWhenAProgramEnds) {
  Ended end = run(shell("sleep 1000 & echo $!"));
  EXPECT_EQ(end->exit_code, 0);
  EXPECT_TRUE(is_gone(std::stoi(end->output))) << end->output;
}

TEST_F(ProgramsTest, EndWhenTheyAreCancelled) {
  std::optional<Ended> ended;
  TaskGroup group;
  group.spawn(run_into(programs_, shell("exec sleep 1000"), base::now() + 1h, ended));
  EXPECT_EQ(programs_.running(), 1u);
  group.cancel();
  while (group.size() > 0) reactor_.run_once(base::TimePoint::max());
  EXPECT_EQ(programs_.running(), 0u);
}

TEST_F(ProgramsTest, RunABoundedNumberAtOnceInTheirOrder) {
  std::vector<std::optional<Ended>> ended(6);
  // None ends before it may.
  const std::string gate = testing::TempDir() + "weir-programs-" + std::to_string(getpid());
  const std::string script = "while [ ! -e " + gate + " ]; do sleep 0.01; done";
  for (auto& one : ended) group_.spawn(run_into(programs_, shell(script), base::now() + 1h, one));
  EXPECT_EQ(programs_.running(), 2u);
  EXPECT_EQ(programs_.waiting(), 4u);
  std::ofstream(gate).put('\n');
  while (group_.size() > 0) {
    reactor_.run_once(base::TimePoint::max());
    EXPECT_LE(programs_.running(), 2u);
  }
  for (auto& one : ended) EXPECT_EQ((*one)->exit_code, 0);
  std::filesystem::remove(gate);
}

TEST_F(ProgramsTest, WaitForTheirTurnWithinTheirTime) {
  std::vector<std::optional<Ended>> long_ones(2);
  TaskGroup group;
  for (auto& one : long_ones) group.spawn(run_into(programs_, shell("exec sleep 1000"), base::now() + 1h, one));
  EXPECT_EQ(run(shell("exit 0"), 100ms).error().code, base::ErrorCode::timeout);
  EXPECT_EQ(programs_.waiting(), 0u);
  group.cancel();
  while (group.size() > 0) reactor_.run_once(base::TimePoint::max());
}

TEST_F(ProgramsTest, SayWhyAProgramCannotBeStarted) {
  EXPECT_EQ(run({.command = {"/nowhere/check"}, .environment = {}}).error().os_error, ENOENT);
  EXPECT_EQ(run({.command = {"/etc/passwd"}, .environment = {}}).error().os_error, EACCES);
}

}  // namespace
}  // namespace weir::net
