#include "app/signals.h"

#include <cerrno>
#include <csignal>
#include <new>
#include <sys/signalfd.h>
#include <unistd.h>

#include "app/weir.h"
#include "base/log.h"
#include "net/tcp.h"

namespace weir::app {
namespace {

sigset_t handled_signals() {
  sigset_t handled;
  sigemptyset(&handled);
  for (int signal : {SIGHUP, SIGTERM, SIGINT}) sigaddset(&handled, signal);
  return handled;
}

}  // namespace

void block_signals() {
  sigset_t handled = handled_signals();
  pthread_sigmask(SIG_BLOCK, &handled, nullptr);
}

base::Result<int> open_signals() {
  block_signals();
  sigset_t handled = handled_signals();
  int descriptor = signalfd(-1, &handled, SFD_NONBLOCK | SFD_CLOEXEC);
  if (descriptor < 0) return base::fail_errno(errno, "open a descriptor for signals");
  return descriptor;
}

net::Task<void> follow_signals(int descriptor, SignalActions actions) {
  net::TcpStream signals = net::TcpStream::adopt(descriptor);
  bool is_stopping = false;
  while (true) {
    base::Result<void> ready = co_await signals.wait_readable(base::TimePoint::max());
    if (!ready) co_return;
    signalfd_siginfo info;
    while (::read(descriptor, &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
      bool is_stop = info.ssi_signo != SIGHUP;
      if (is_stop && is_stopping) {
        base::log_warning("second signal: stopping at once");
        _exit(kExitFine);
      }
      is_stopping = is_stopping || is_stop;
      try {
        (is_stop ? actions.stop : actions.reload)();
      } catch (const std::bad_alloc&) {
        // The next signal is followed as well.
        base::log_error("a signal was not followed to its end: memory could not be had");
      }
    }
    signals.descriptor().readable = false;
  }
}

}  // namespace weir::app
