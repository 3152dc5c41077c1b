#include "worker/client_facts.h"

namespace weir::worker {

base::SocketAddress ClientFacts::destination() const {
  return found && found->destination ? *found->destination : net::local_address(socket);
}

}  // namespace weir::worker
