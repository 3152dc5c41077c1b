// Where an open connection to a backend goes, after its name may have come to mean other addresses.
#pragma once

#include <memory>

#include "net/tcp.h"
#include "pool/addresses.h"

namespace weir::upstream {

// Whether `stream` goes to one of the `wanted` addresses. `known` are those among which it was when it was last asked;
// only when they are others now the kernel is asked where it goes, and they are kept if all is well.
bool goes_to(net::TcpStream& stream, std::shared_ptr<const pool::Addresses>& known,
             const std::shared_ptr<const pool::Addresses>& wanted);

}  // namespace weir::upstream
