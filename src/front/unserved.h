// Connections that end before their session: their lines of the access log.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "worker/client_connection.h"

namespace weir::front {

struct Unserved {
  std::string_view version;  // "TCP", "TLS", or of HTTP
  base::Error error{};
  std::string_view about{};  // in front of the error's cause: "client certificate: "
  // As far as they were read.
  std::uint16_t status = 0;
  std::string_view method{}, target{}, host{};
};

// Writes the line, if there is an access log.
void log_unserved(const worker::Arrival& arrival, const Unserved& connection);

}  // namespace weir::front
