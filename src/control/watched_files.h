// Files that the configuration names, read once and again when they have changed on disk.
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace weir::control {

inline constexpr std::size_t kMaxWatchedBytes = 4 * 1024 * 1024;

// Control thread only.
class WatchedFiles {
 public:
  // The contents as last read; read (again) when they have not been, or `again` and the file looks different: size,
  // time or inode. Otherwise why it cannot be read; what was read before stays.
  std::expected<std::shared_ptr<const std::string>, std::string> read(const std::string& path, bool again);
  // The file at that path is in use: it goes on being watched.
  void keep(const std::string& path);
  // The files that look different from when they were read and have not changed since the question before. Somebody who
  // replaces several files may finish: while another file still changes the answer is none, but kPatience times at
  // most, so that a file that changes all the time holds up no other.
  std::vector<std::string> changed();
  static constexpr int kPatience = 3;
  // Files that are not read until the next call are forgotten by it.
  void forget_unused();

 private:
  struct Signature {
    std::int64_t modified_ns = 0;
    std::int64_t changed_ns = 0;
    std::uint64_t size = 0;
    std::uint64_t inode = 0;
    friend bool operator==(const Signature&, const Signature&) = default;
  };
  struct File {
    Signature seen;  // when last read
    Signature last;  // when last looked at
    std::shared_ptr<const std::string> text;
    bool used = true;
    bool failed = false;  // to be read, when last tried; `text` is of before
  };
  static Signature signature_of(const std::string& path);
  std::map<std::string, File> files_;
  int waited_ = 0;  // answers in a row that were none only because another file was changing
};

}  // namespace weir::control
