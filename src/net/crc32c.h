// CRC32c, the checksum of iSCSI (RFC 3720 12.1, appendix B.4), for the few bytes of a header.
#pragma once

#include <cstdint>
#include <string_view>

namespace weir::net {

// The checksum of `bytes`, or of the bytes whose checksum is `before` followed by `bytes`.
std::uint32_t crc32c(std::string_view bytes, std::uint32_t before = 0);

}  // namespace weir::net
