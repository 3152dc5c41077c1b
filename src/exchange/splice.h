// Moving a long body from the backend to the client inside the kernel.
#pragma once

#include <cstdint>

#include "base/error.h"
#include "exchange/pace.h"
#include "net/pipe.h"
#include "net/task.h"
#include "net/tcp.h"

namespace weir::exchange {

// Through an empty `pipe`, moves exactly `bytes` from `from` to `to`, adding to `moved` as they leave. Both are plain
// sockets. Error{timeout} when nothing moves for `patience`, with the side of whoever kept the other waiting: `from` is
// the backend, `to` the client, for which `pace` counts; {closed} when `from` ends early.
net::Task<base::Result<void>> splice_body(net::Pipe& pipe, net::TcpStream& from, net::TcpStream& to,
                                          std::uint64_t bytes, base::Nanoseconds patience, Pace& pace,
                                          std::uint64_t& moved);

}  // namespace weir::exchange
