#include "control/watched_files.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include "base/cleanse.h"

namespace weir::control {
namespace {

std::expected<std::string, std::string> contents(const std::string& path) {
  int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return std::unexpected(fmt::format("cannot be read: {}", std::strerror(errno)));
  struct stat info{};
  std::string text;
  std::string why;
  if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    why = "is no regular file";
  } else {
    // Keys are read this way: nothing of them is left in memory that growing gives back.
    char buffer[16 * 1024];
    text.reserve(std::min<std::size_t>(static_cast<std::size_t>(info.st_size), kMaxWatchedBytes) + sizeof buffer);
    ssize_t got;
    while ((got = ::read(fd, buffer, sizeof buffer)) > 0 && text.size() <= kMaxWatchedBytes) {
      text.append(buffer, static_cast<std::size_t>(got));
    }
    base::cleanse(buffer, sizeof buffer);
    if (got < 0) why = fmt::format("cannot be read: {}", std::strerror(errno));
    if (text.size() > kMaxWatchedBytes) why = fmt::format("is larger than {} MB", kMaxWatchedBytes / 1024 / 1024);
  }
  ::close(fd);
  if (!why.empty()) return std::unexpected(std::move(why));
  return text;
}

}  // namespace

WatchedFiles::Signature WatchedFiles::signature_of(const std::string& path) {
  struct stat info{};
  if (stat(path.c_str(), &info) != 0) return {};
  auto nanoseconds = [](const timespec& time) { return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec; };
  return {.modified_ns = nanoseconds(info.st_mtim),
          .changed_ns = nanoseconds(info.st_ctim),
          .size = static_cast<std::uint64_t>(info.st_size),
          .inode = info.st_ino};
}

std::expected<std::shared_ptr<const std::string>, std::string> WatchedFiles::read(const std::string& path, bool again) {
  auto known = files_.find(path);
  if (known != files_.end()) {
    known->second.used = true;
    if (!again && known->second.text != nullptr) return known->second.text;
  }
  Signature now = signature_of(path);
  if (known != files_.end() && known->second.text != nullptr && known->second.seen == now && !known->second.failed) {
    return known->second.text;
  }
  auto text = contents(path);
  File& file = files_[path];
  file.seen = file.last = now;
  file.used = true;
  file.failed = !text;
  if (!text) return std::unexpected(text.error());
  // The same contents stay the same object: nothing that was made of them has to be made again.
  if (file.text == nullptr || *file.text != *text) file.text = base::cleansed_in_the_end(std::move(*text));
  return file.text;
}

void WatchedFiles::keep(const std::string& path) {
  auto known = files_.find(path);
  if (known != files_.end()) known->second.used = true;
}

std::vector<std::string> WatchedFiles::changed() {
  bool moving = false;
  std::vector<std::string> settled;
  for (auto& [path, file] : files_) {
    Signature now = signature_of(path);
    bool at_rest = std::exchange(file.last, now) == now;
    moving = moving || !at_rest;
    if (at_rest && now != file.seen) settled.push_back(path);
  }
  bool wait = !settled.empty() && moving && waited_ < kPatience;
  waited_ = wait ? waited_ + 1 : 0;
  if (wait) settled.clear();
  return settled;
}

void WatchedFiles::forget_unused() {
  for (auto file = files_.begin(); file != files_.end();) {
    file = std::exchange(file->second.used, false) ? std::next(file) : files_.erase(file);
  }
}

}  // namespace weir::control
