// The way of an accepted connection to its session.
#pragma once

#include "base/ip.h"
#include "front/open_listener.h"
#include "front/tls_stage.h"
#include "worker/worker.h"

namespace weir::front {

// Takes over `fd`, accepted from `peer` and counted in the listener's `open`. Whatever goes wrong ends the connection.
void serve(worker::Worker& worker, const TlsMetrics& tls, OpenListener& open, int fd, const base::SocketAddress& peer);

}  // namespace weir::front
