#include "net/drop_rest.h"

#include <array>

#include "net/reactor.h"

namespace weir::net {

Task<void> drop_rest(TcpStream& stream, base::Nanoseconds patience, std::size_t most_bytes) {
  stream.finish_writing();
  std::array<char, 1024> dropped;
  base::TimePoint until = Reactor::current().now() + patience;
  std::size_t total = 0;
  while (total < most_bytes) {
    base::Result<std::size_t> got = co_await stream.read(dropped, until);
    if (!got || *got == 0) co_return;
    total += *got;
  }
}

}  // namespace weir::net
