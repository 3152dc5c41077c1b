#include "net/inherited.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <sys/socket.h>
#include <unistd.h>

#include "gtest/gtest.h"

#include "net/reactor.h"
#include "net/tcp.h"

namespace weir::net {
namespace {

// What the kernel watches for this process, over all its epolls.
int watched() {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fdinfo")) {
    std::ifstream info(entry.path());
    for (std::string line; std::getline(info, line);) count += line.starts_with("tfd:") ? 1 : 0;
  }
  return count;
}

TEST(Inherited, ADescriptorThatIsClosedIsWatchedNoMoreThoughACopyIsLeft) {
  Reactor reactor;
  reactor.adopt_thread();
  descriptors_are_inherited = true;
  int before = watched();
  int pair[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
  int copy = dup(pair[0]);  // as a process has it that was just begun
  {
    TcpStream stream = TcpStream::adopt(pair[0]);
    EXPECT_EQ(watched(), before + 1);
  }
  EXPECT_EQ(watched(), before);
  descriptors_are_inherited = false;
  close(copy);
  close(pair[1]);
}

}  // namespace
}  // namespace weir::net
