#include "health/password_file.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "base/error.h"

namespace weir::health {
namespace {

constexpr std::size_t kMaxBytes = 4096;

base::Checked<std::string> first_line_of(const std::string& path) {
  // A pipe or a device may keep nobody waiting.
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return std::unexpected(fmt::format("cannot read {}: {}", path, std::strerror(errno)));
  std::array<char, kMaxBytes> bytes;
  ssize_t got = ::read(fd, bytes.data(), bytes.size());
  int error = errno;
  ::close(fd);
  if (got < 0) return std::unexpected(fmt::format("cannot read {}: {}", path, std::strerror(error)));
  std::string line(bytes.data(), static_cast<std::size_t>(got));
  line.resize(std::min(line.find('\n'), line.size()));
  if (line.ends_with('\r')) line.pop_back();
  if (line.empty()) return std::unexpected(fmt::format("{} has no password in its first line", path));
  return line;
}

}  // namespace

base::Checked<std::optional<std::string>> PasswordFile::read(base::TimePoint now) {
  if (path_.empty()) return std::nullopt;
  if (read_at_ && now - *read_at_ < std::chrono::seconds(1)) return last_;
  read_at_ = now;
  base::Checked<std::string> line = first_line_of(path_);
  if (line) {
    last_ = std::optional(*std::move(line));
  } else {
    last_ = std::unexpected(line.error());
  }
  return last_;
}

std::string PasswordFile::fault_of(const std::string& path) {
  if (path.empty()) return {};
  base::Checked<std::string> line = first_line_of(path);
  return line ? std::string() : line.error();
}

}  // namespace weir::health
