#include "upstream/connected_address.h"

#include <algorithm>
#include <sys/socket.h>

namespace weir::upstream {

bool goes_to(net::TcpStream& stream, std::shared_ptr<const pool::Addresses>& known,
             const std::shared_ptr<const pool::Addresses>& wanted) {
  // A snapshot that is older than the first look-up of the name knows of no address, and none has gone since.
  if (known == wanted || wanted == nullptr) return true;
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  if (getpeername(stream.descriptor().fd(), reinterpret_cast<sockaddr*>(&storage), &length) != 0) return false;
  if (std::ranges::find(*wanted, base::SocketAddress::from(storage)) == wanted->end()) return false;
  known = wanted;
  return true;
}

}  // namespace weir::upstream
