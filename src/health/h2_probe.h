// The common part of probes over HTTP/2.
#pragma once

#include <string>

#include "health/checker.h"
#include "health/http_check_options.h"
#include "http2/connection.h"
#include "net/tcp.h"

namespace weir::health {

// A client's end of a connection, which takes no requests.
class NoRequests final : public http2::ConnectionOwner {
 public:
  http2::Stream* begin_request() override { return nullptr; }
  void serve(http2::Stream&, const http2::FieldVerdict&) override {}
  void discard(http2::Stream&) override {}
  void on_streams_changed() override {}
};

// The request of the options over HTTP/2 on `stream`, on which TLS is done if there is any. `options` and `target`
// outlive the task.
net::Task<Probed> probe_by_h2(const HttpCheckOptions& options, const CheckTarget& target, net::TcpStream stream,
                              base::TimePoint deadline);

}  // namespace weir::health
