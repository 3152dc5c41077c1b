// A password of a check, in a file.
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "base/error.h"

namespace weir::health {

// Reads the file again, at most once a second, so that a changed password needs no reload. Health thread only.
class PasswordFile {
 public:
  // An empty path stands for no password.
  explicit PasswordFile(std::string path) : path_(std::move(path)) {}

  // The first line without its end; nothing without a file. The error says what is wrong with the file.
  base::Checked<std::optional<std::string>> read(base::TimePoint now);
  // Why the file at `path` cannot be used; empty: it can, or there is none.
  static std::string fault_of(const std::string& path);

 private:
  std::string path_;
  std::optional<base::TimePoint> read_at_;
  base::Checked<std::optional<std::string>> last_;
};

}  // namespace weir::health
