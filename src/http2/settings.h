// Limits of one side of an HTTP/2 connection, memory among them.
#pragma once

#include <chrono>
#include <cstdint>

#include "base/clock.h"
#include "http2/fields.h"

namespace weir::http2 {

enum class Role : std::uint8_t { server, client };

struct Settings {
  // Server: streams that the client may have open. Client: streams that we open, if the server allows as many.
  std::uint32_t max_streams = 128;
  FieldLimits fields;
  // Bytes that a stream may have received and not yet used: at first, and at most. A stream's window grows while its
  // consumer keeps up, as long as all streams together have grown by no more than `growth_bytes`: so a connection holds
  // at most max_streams * first + growth_bytes.
  std::uint32_t stream_window_bytes = 64 * 1024;
  std::uint32_t max_stream_window_bytes = 1024 * 1024;
  std::uint32_t growth_bytes = 4 * 1024 * 1024;
  std::uint32_t connection_window_bytes = 4 * 1024 * 1024;
  // Server: streams that the client may cancel early, or make us reset, before it must slow down; it gets a tenth of
  // them back each second.
  std::uint32_t max_resets = 200;
  bool extended_connect = true;                                 // RFC 8441
  base::Nanoseconds header_timeout = std::chrono::seconds(10);  // preface, and each field section
  base::Nanoseconds idle_timeout = std::chrono::seconds(60);    // without a stream
  base::Nanoseconds write_timeout = std::chrono::seconds(60);   // the peer takes nothing
};

}  // namespace weir::http2
