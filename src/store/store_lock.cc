#include "store/store_lock.h"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <string_view>
#include <sys/file.h>
#include <system_error>
#include <unistd.h>

#include "base/text.h"

namespace weir::store {
namespace {

// " (process 4711)", as the holder of the lock has left it, or nothing.
std::string holder_of(int fd) {
  std::array<char, 32> text{};
  ssize_t size = ::pread(fd, text.data(), text.size(), 0);
  if (size <= 0) return {};
  std::string_view line(text.data(), static_cast<std::size_t>(size));
  auto pid = base::parse_unsigned(line.substr(0, line.find('\n')), INT32_MAX);
  return pid ? fmt::format(" (process {})", *pid) : std::string();
}

Error failed(const std::string& path, const std::string& lock, int os_error) {
  if (is_no_room(os_error)) return {ErrorCode::full, fmt::format("store {}: no room to write {}", path, lock)};
  return {ErrorCode::unavailable, fmt::format("store {}: cannot lock {}: {}; its folder must be writable", path, lock,
                                              std::generic_category().message(os_error))};
}

}  // namespace

bool is_no_room(int os_error) { return os_error == ENOSPC || os_error == EDQUOT || os_error == EFBIG; }

StoreLock::~StoreLock() {
  if (fd_ >= 0) ::close(fd_);
}

Result<void> StoreLock::take(const std::string& path) {
  std::error_code unknown;
  std::filesystem::path real = std::filesystem::canonical(path, unknown);
  std::string lock = (unknown ? path : real.string()) + ".lock";
  fd_ = ::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd_ < 0) return std::unexpected(failed(path, lock, errno));
  if (::flock(fd_, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return std::unexpected(failed(path, lock, errno));
    return std::unexpected(Error{
        ErrorCode::unavailable,
        fmt::format("store {}: another Weir{} uses this store; each needs a file of its own", path, holder_of(fd_))});
  }
  // For whoever is refused; without room for it they are refused without a number.
  std::string pid = fmt::format("{}\n", ::getpid());
  bool told = ::ftruncate(fd_, 0) == 0 && ::pwrite(fd_, pid.data(), pid.size(), 0) > 0;
  static_cast<void>(told);
  return {};
}

}  // namespace weir::store
