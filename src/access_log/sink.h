// Where access log lines go: a file, standard output or standard error.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace weir::access_log {

// An open output that never blocks on a slow reader. Used by one thread; may be moved before its first use.
class Sink {
 public:
  // "stdout", "stderr" or a file: created with mode 0640 if it is missing, always appended to. Errors: those of open(2)
  // and fcntl(2).
  static base::Result<Sink> open(const std::string& path);
  Sink(Sink&& other) noexcept : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)), kind_(other.kind_) {}
  Sink& operator=(Sink&&) = delete;
  ~Sink();

  // Writes what the output takes now: the number of bytes, 0 when it takes nothing at the moment. After an error the
  // caller drops `text`; if an earlier call has written a part of a line, the next line begins on a fresh one.
  base::Result<std::size_t> write(std::string_view text);
  // Opens the path again (log rotation); on error the old file stays. Nothing to do for stdout and stderr.
  base::Result<void> reopen();
  // For poll(2): becomes writable when write() may go on.
  int fd() const { return fd_; }
  const std::string& path() const { return path_; }

 private:
  enum class Kind : std::uint8_t {
    file,      // never asks to wait
    socket,    // as journald gives
    stream,    // pipe or terminal, opened non-blocking by us
    borrowed,  // pipe or terminal whose flags are shared with others: never more than it takes for certain
  };
  Sink(std::string path, int fd, Kind kind) : path_(std::move(path)), fd_(fd), kind_(kind) {}
  static Kind kind_of(int fd);
  base::Result<std::size_t> write_some(std::string_view text) const;

  std::string path_;
  int fd_;
  Kind kind_;
  bool inside_line_ = false;  // the last byte written was not the end of a line
  bool torn_ = false;         // and the rest of that line is lost
};

}  // namespace weir::access_log
