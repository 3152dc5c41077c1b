// The first bytes of TLS clients: a hello stays incomplete until its last byte, says the same whatever follows, and
// names hosts only.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "net/client_hello.h"

using weir::net::ClientHello;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const ClientHello hello = weir::net::parse_client_hello(bytes);
  if (hello.state == ClientHello::State::invalid) WEIR_ASSERT(hello.what[0] != '\0');
  if (hello.state != ClientHello::State::complete) return 0;
  for (char c : hello.server_name) {
    WEIR_ASSERT((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_');
  }
  WEIR_ASSERT(hello.server_name.size() <= 255);
  const ClientHello longer = weir::net::parse_client_hello(std::string(bytes) + "more");
  WEIR_ASSERT(longer.state == ClientHello::State::complete && longer.server_name == hello.server_name);
  bool complete = false;
  for (std::size_t part = 0; part <= size; part += 1 + size / 64) {
    const ClientHello::State state = weir::net::parse_client_hello(bytes.substr(0, part)).state;
    WEIR_ASSERT(state == ClientHello::State::complete || (state == ClientHello::State::incomplete && !complete));
    complete = state == ClientHello::State::complete;
  }
  return 0;
}
